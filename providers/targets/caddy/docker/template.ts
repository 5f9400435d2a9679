/** A container like another one, for another slot and with another image: what its operator gave it stays, what its old image brought goes. */

import type { JsonValue } from '../../../../plan/plan.ts';
import type { Release } from '../../../../plan/release.ts';
import type { JsonObject } from '../json.ts';
import { isObject } from '../json.ts';
import type { BySlot, SlotName } from '../connection.ts';
import type { Container } from './container.ts';
import type { Image } from './images.ts';
import { isLabelOfOurs, type Labels } from './labels.ts';

export interface Wanted {
  readonly slot: SlotName;
  readonly release: Release;
  /** Id of the image it is to run. */
  readonly image: string;
  readonly labels: Labels;
  readonly environment: Readonly<Record<string, string>>;
  readonly addresses: BySlot<string>;
}

export interface Template {
  /** Body of `POST /containers/create`. */
  readonly body: JsonObject;
  /** `NAME=value`, as they stand in the body: they may be secret. */
  readonly variables: readonly string[];
  /** Networks to join beside the first one. */
  readonly networks: readonly string[];
  /** What it is called in its networks. */
  readonly aliases: readonly string[];
}

/** `image`: the one that `model` runs; `from`: the slot that `model` was made for. */
export function templateOf(model: Container, image: Image | null, from: SlotName, wanted: Wanted): Template {
  const old: JsonObject = image?.Config ?? {};
  const { NetworkMode } = model.HostConfig;
  const aliases = aliasesFor(wanted.addresses[wanted.slot]);
  const [first, ...networks] = ownNetworks(model);
  const endpoint =
    first === undefined ? {} : { NetworkingConfig: { EndpointsConfig: { [first]: { Aliases: aliases } } } };
  const environment = variables(model, old, wanted);
  const body: JsonObject = {
    ...givenTo(model, old),
    ...(ownHostname(model) && { Hostname: model.Config.Hostname ?? '' }),
    Image: wanted.image,
    Env: environment,
    Labels: { ...ownLabels(model, old), ...wanted.labels },
    HostConfig: hostConfig(model, portOf(wanted.addresses[from]), portOf(wanted.addresses[wanted.slot])),
    ...(sharesNetwork(NetworkMode) ? {} : endpoint),
  };
  return { body, variables: environment, networks: sharesNetwork(NetworkMode) ? [] : networks, aliases };
}

// ── What it runs ─────────────────────────────────────────────────────────────────────────────────────────────────────

const commandKeys = ['Entrypoint', 'Cmd'];
const otherKeys = [
  ...['User', 'WorkingDir', 'Domainname', 'StopSignal', 'StopTimeout', 'Healthcheck', 'Shell'],
  ...['Tty', 'OpenStdin', 'StdinOnce'],
];
/** Sets of names: what the image brought goes one by one. */
const setKeys = ['ExposedPorts', 'Volumes'];

/** Its configuration without what it has from its image. */
function givenTo({ Config }: Container, old: JsonObject): JsonObject {
  const config: JsonObject = Config;
  const isGiven = (key: string) => !isNothing(config[key]) && !isSame(config[key], old[key]);
  // A command of one's own belongs to the entry point beside it, and the other way round.
  const command = isGiven('Entrypoint') ? commandKeys : commandKeys.filter(isGiven);
  const plain = [...command, ...otherKeys.filter(isGiven)].map((key) => [key, config[key] ?? null] as const);
  const sets = setKeys.flatMap((key) => {
    const own = Object.entries(objectAt(config, key)).filter(([name]) => !(name in objectAt(old, key)));
    return own.length === 0 ? [] : [[key, Object.fromEntries(own)] as const];
  });
  return Object.fromEntries([...plain, ...sets]);
}

/** Engines write what was not said as nothing of any kind, and the root folder as `/`. */
function isNothing(value: JsonValue | undefined): boolean {
  return [undefined, null, '', 0, false, '/'].includes(value as null) || (Array.isArray(value) && value.length === 0);
}

function isSame(one: JsonValue | undefined, other: JsonValue | undefined): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function objectAt(value: JsonObject, key: string): JsonObject {
  const found = value[key];
  return isObject(found) ? found : {};
}

// ── Environment and labels ───────────────────────────────────────────────────────────────────────────────────────────

/** Variables that engines add themselves. */
const ofEngine = new Set([
  'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  'TERM=xterm',
  'container=podman',
  'container=oci',
]);

function variables(model: Container, old: JsonObject, wanted: Wanted): readonly string[] {
  const brought = new Set(Array.isArray(old['Env']) ? (old['Env'] as readonly JsonValue[]) : []);
  const set = Object.entries(wanted.environment).map(([name, text]) => `${name}=${filled(text, wanted)}`);
  const names = new Set(Object.keys(wanted.environment));
  const kept = (model.Config.Env ?? []).filter((variable) => {
    const name = variable.replace(/=.*$/s, '');
    const isHostname = variable === `HOSTNAME=${model.Config.Hostname ?? ''}`;
    return !brought.has(variable) && !ofEngine.has(variable) && !isHostname && !names.has(name);
  });
  return [...kept, ...set];
}

/** Fills `{{port}}`, `{{slot}}`, `{{label}}` and `{{digest}}` in. */
function filled(text: string, { slot, release, addresses }: Wanted): string {
  const values: Readonly<Record<string, string>> = {
    port: portOf(addresses[slot]),
    slot,
    label: release.label,
    digest: release.digest,
  };
  return text.replace(/\{\{(\w+)\}\}/g, (whole, name: string) => values[name] ?? whole);
}

/** Without the image's, ours of its creation, and those by which Compose and Podman would take it for one of theirs. */
function ownLabels(model: Container, old: JsonObject): Labels {
  const brought = objectAt(old, 'Labels');
  const own = Object.entries(model.Config.Labels ?? {}).filter(([name, value]) => {
    return brought[name] !== value && !isLabelOfOurs(name) && !/^(?:com\.docker\.compose|io\.podman)\./.test(name);
  });
  return Object.fromEntries(own);
}

// ── Host and networks ────────────────────────────────────────────────────────────────────────────────────────────────

/** As the engine said it, but for what cannot be said twice and for the ports of the other slot. */
function hostConfig({ HostConfig }: Container, from: string, to: string): JsonObject {
  const { Runtime, Ulimits, PortBindings, RestartPolicy, ...rest } = HostConfig as JsonObject;
  const said = Object.entries(rest).filter(
    ([key, value]) => key !== 'ContainerIDFile' && value !== null && value !== '',
  );
  return {
    ...Object.fromEntries(said),
    ...(Runtime !== undefined && Runtime !== null && Runtime !== '' && Runtime !== 'oci' && { Runtime }),
    ...(Array.isArray(Ulimits) && { Ulimits: ulimits(Ulimits as readonly JsonValue[]) }),
    ...(isObject(PortBindings) && { PortBindings: ports(PortBindings, from, to) }),
    AutoRemove: false,
    RestartPolicy: restartPolicy(RestartPolicy),
  };
}

/** It is to come back with the host, and to stay stopped once it was stopped. */
function restartPolicy(policy: JsonValue | undefined): JsonValue {
  return isObject(policy) && policy['Name'] === 'on-failure' ? policy : { Name: 'unless-stopped' };
}

/** Podman says `RLIMIT_NOFILE` and hears `nofile`. */
function ulimits(limits: readonly JsonValue[]): readonly JsonValue[] {
  return limits.map((limit) => {
    if (!isObject(limit) || typeof limit['Name'] !== 'string') return limit;
    return { ...limit, Name: limit['Name'].replace(/^RLIMIT_/, '').toLowerCase() };
  });
}

function ports(bindings: JsonObject, from: string, to: string): JsonObject {
  const moved = (binding: JsonValue): JsonValue =>
    isObject(binding) && binding['HostPort'] === from ? { ...binding, HostPort: to } : binding;
  return Object.fromEntries(
    Object.entries(bindings).map(([port, list]) => [
      port,
      Array.isArray(list) ? (list as readonly JsonValue[]).map(moved) : list,
    ]),
  );
}

export function portOf(address: string): string {
  return address.slice(address.lastIndexOf(':') + 1);
}

/** A name by which the proxy dials it must be its alias; an address needs none. */
function aliasesFor(address: string): readonly string[] {
  const host = address.slice(0, address.lastIndexOf(':'));
  return /^[\d.]+$|^\[|^localhost$/.test(host) ? [] : [host];
}

export function sharesNetwork(mode: string | null | undefined): boolean {
  return mode === 'host' || mode === 'none' || (mode ?? '').startsWith('container:');
}

/** Networks that somebody made, where containers have names. */
function ownNetworks({ NetworkSettings, HostConfig }: Container): readonly string[] {
  const all = Object.keys(NetworkSettings?.Networks ?? {}).filter((name) => name !== 'bridge' && name !== 'podman');
  return all.toSorted(
    (one, other) => Number(other === HostConfig.NetworkMode) - Number(one === HostConfig.NetworkMode),
  );
}

/** The engine makes one up from the id, or takes the host's. */
function ownHostname({ Id, Config, HostConfig }: Container): boolean {
  const { Hostname } = Config;
  return (
    !sharesNetwork(HostConfig.NetworkMode) &&
    typeof Hostname === 'string' &&
    Hostname !== '' &&
    !Id.startsWith(Hostname)
  );
}

/** What would keep releases from being put into the slots of this engine, found before anything is touched. */

import type { Release } from '../../../../plan/release.ts';
import type { EngineCall, PreflightFinding } from '../../../ports.ts';
import { otherSlot, type SlotName } from '../connection.ts';
import { problem, warning } from '../findings.ts';
import { type Container, inspected } from './container.ts';
import { heldBy, look } from './found.ts';
import type { DockerHost } from './host.ts';
import { isAllowed } from './images.ts';
import { routeLabel } from './labels.ts';
import { releaseOf } from './slots.ts';
import { portOf } from './template.ts';

/** Docker 20.10 and Podman 4. */
const oldest = [1, 41] as const;

export async function findings(
  host: DockerHost,
  release: Release,
  serving: SlotName | null,
  call: EngineCall,
): Promise<readonly PreflightFinding[]> {
  const [version, found] = await Promise.all([host.engine.version(call), look(host, call)]);
  const strangers = found.filter(({ isOurs }) => !isOurs).map(({ name, slot }) => stranger(host, name, slot));
  const general = [...versionFindings(version), ...imageFindings(host, release), ...strangers];
  const held = serving && heldBy(found, serving);
  if (serving === null || held?.isOurs === false) return general;
  const container = held && (await inspected(host, held.name, call));
  if (container === null) return [...general, missing(host, serving)];
  return [
    ...general,
    ...((await releaseOf(host, container, call)) === null ? [strangeImage(host, container)] : []),
    ...portFindings(host, container, serving),
    ...mountFindings(container),
    ...restartFindings(container),
  ];
}

function versionFindings(version: string): PreflightFinding[] {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > oldest[0] || (major === oldest[0] && minor >= oldest[1])) return [];
  const text = `The container engine speaks API ${version}; ${oldest.join('.')} is needed: update it to Docker 20.10 or Podman 4, or newer.`;
  return [problem('engine-old', text)];
}

function imageFindings(host: DockerHost, release: Release): PreflightFinding[] {
  if (isAllowed(host, release.image)) return [];
  const allowed = host.repositories.join(', ');
  const text = `Images of ${release.image} may not run on route ${host.route}: the worker's configuration allows ${allowed}.`;
  return [problem('image-not-allowed', text)];
}

function stranger(host: DockerHost, name: string, slot: SlotName): PreflightFinding {
  const text = `The container ${name} has the name of slot ${slot} and does not carry the label ${routeLabel}=${host.route}: create it with the label, or give it another name.`;
  return problem('container-unmanaged', text);
}

function missing(host: DockerHost, serving: SlotName): PreflightFinding {
  const name = host.containers[serving];
  const text = `Slot ${serving} serves, and the engine has no container ${name}: start the stable release as ${name} with the label ${routeLabel}=${host.route}.`;
  return problem('container-missing', text);
}

function strangeImage(host: DockerHost, { Config }: Container): PreflightFinding {
  const allowed = host.repositories.join(', ');
  const text = `The stable container runs ${Config.Image}, which is none of the allowed repositories ${allowed}: it could not be started again.`;
  return problem('stable-image', text);
}

/** Both slots listen at the same time. */
function portFindings(host: DockerHost, { HostConfig }: Container, serving: SlotName): PreflightFinding[] {
  const own = portOf(host.addresses[serving]);
  const bindings = Object.entries(HostConfig.PortBindings ?? {});
  const published = bindings.flatMap(([, list]) => (list ?? []).map(({ HostPort }) => HostPort ?? ''));
  const others = published.filter((port) => port !== '' && port !== '0' && port !== own);
  const taken = others.map((port) =>
    problem(
      'port-taken',
      `The stable container publishes port ${port} beside its slot's ${own}: a second container cannot. Publish the slot's port alone.`,
    ),
  );
  const saysPort = Object.values(host.environment).some((value) => value.includes('{{port}}'));
  if (HostConfig.NetworkMode !== 'host' || saysPort || own === portOf(host.addresses[otherSlot(serving)])) return taken;
  const text = `The stable container uses the host's network, and no variable under deploy.environment says {{port}}: a release in slot ${otherSlot(serving)} would listen where stable does.`;
  return [...taken, warning('same-port', text)];
}

function mountFindings({ Mounts }: Container): PreflightFinding[] {
  const shared = (Mounts ?? []).filter(({ Type, RW, Name }) => {
    const isAnonymous = Type === 'volume' && /^[0-9a-f]{64}$/.test(Name ?? '');
    return RW !== false && Type !== 'tmpfs' && !isAnonymous;
  });
  if (shared.length === 0) return [];
  const list = shared.map(({ Destination, Name, Source }) => `${Name || Source || 'a mount'} at ${Destination}`);
  const text = `Both slots would write to the same place: ${list.slice(0, 10).join(', ')}. Mount it read-only, or be sure that two releases may share it.`;
  return [warning('shared-mounts', text)];
}

function restartFindings({ HostConfig }: Container): PreflightFinding[] {
  if (HostConfig.RestartPolicy?.Name !== 'always') return [];
  const text =
    'The stable container has the restart policy always: once retired, it would come back when the engine restarts. Use unless-stopped, as releases that Sluice starts do.';
  return [warning('restart-always', text)];
}

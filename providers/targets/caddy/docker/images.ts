/** Which images may run, where they come from, and whether what is there is what was asked for. */

import { z } from 'zod';
import type { Release } from '../../../../plan/release.ts';
import { nameOf } from '../../../../plan/release.ts';
import { ProviderError } from '../../../errors.ts';
import { createRedactor } from '../../../secrets/redact.ts';
import type { EngineCall, RegistryLogin } from '../../../ports.ts';
import { notUnderstood } from './found.ts';
import { type DockerHost, pulling } from './host.ts';
import { rethrown } from './secretive.ts';

const texts = z.array(z.string()).nullish();

const imageSchema = z.object({
  Id: z.string().regex(/^sha256:[0-9a-f]{64}$/),
  RepoTags: texts,
  RepoDigests: texts,
  /** What a container made of it has unless it was told otherwise. */
  Config: z.record(z.string(), z.json()).nullish(),
});

export type Image = z.output<typeof imageSchema>;

/** `null` when the engine does not have it. */
export async function imageAt(host: DockerHost, reference: string, call: EngineCall): Promise<Image | null> {
  const answer = await host.engine.image(reference, call);
  if (answer === null) return null;
  const parsed = imageSchema.safeParse(answer);
  if (!parsed.success) throw notUnderstood(`inspect the image ${reference}`);
  return parsed.data;
}

export function isAllowed({ repositories }: DockerHost, image: string): boolean {
  return repositories.some((one) => plainName(one) === plainName(image));
}

/** Throws `denied` for a repository that the operator did not allow. */
export function mustBeAllowed(host: DockerHost, release: Release, doing: string): void {
  if (isAllowed(host, release.image)) return;
  const detail = `the worker's configuration allows ${host.repositories.join(', ')} for route ${host.route}, not ${release.image}`;
  throw new ProviderError({ code: 'denied', doing, detail });
}

/** The image of a release, pulled when it is not there. Throws `denied`, `missing`, or `invalid` when it is another one. */
export async function fetched(host: DockerHost, release: Release, signal?: AbortSignal): Promise<Image> {
  const doing = `fetch the image of ${nameOf(release)}`;
  mustBeAllowed(host, release, doing);
  const pinned = `${release.image}@${release.digest}`;
  const call = pulling(signal);
  const present = (await imageAt(host, pinned, call)) ?? (await imageAt(host, release.digest, call));
  if (present !== null && isImageOf(present, release)) return present;
  await pull(host, pinned, call);
  const pulled = await imageAt(host, pinned, call);
  if (pulled !== null && isImageOf(pulled, release)) return pulled;
  const has = pulled === null ? 'nothing' : [...(pulled.RepoDigests ?? []), pulled.Id].slice(0, 5).join(', ');
  throw new ProviderError({ code: 'invalid', doing, detail: `asked for ${pinned}, the engine has ${has}` });
}

async function pull(host: DockerHost, pinned: string, call: EngineCall): Promise<void> {
  const login = await loginOf(host);
  try {
    await host.engine.pull(pinned, login, call);
  } catch (error) {
    throw login === null ? error : rethrown(error, createRedactor([login.password]));
  }
}

async function loginOf({ registry }: DockerHost): Promise<RegistryLogin | null> {
  return registry === null ? null : { user: registry.user, password: await registry.password() };
}

/** By the registry's digest, or, for an image that was never in a registry, by its own id under the repository's name. */
export function isImageOf(image: Image, { digest, image: repository }: Release): boolean {
  const names = [...(image.RepoTags ?? []), ...(image.RepoDigests ?? [])];
  const digests = (image.RepoDigests ?? []).filter((name) => repositoryOf(name) === plainName(repository));
  if (digests.some((name) => name.endsWith(`@${digest}`))) return true;
  return image.Id === digest && names.some((name) => repositoryOf(name) === plainName(repository));
}

/** What a container runs that was not started by us: the first allowed repository that its image is known by. */
export function releaseOfImage(host: DockerHost, image: Image, as: string, label: string | undefined): Release | null {
  const names = [as, ...(image.RepoTags ?? []), ...(image.RepoDigests ?? [])].filter(
    (name) => repositoryOf(name) !== '',
  );
  const repository = host.repositories.find((one) => names.some((name) => repositoryOf(name) === plainName(one)));
  if (repository === undefined) return null;
  const mine = names.filter((name) => repositoryOf(name) === plainName(repository));
  const [digest = image.Id] = mine.flatMap((name) => /@(sha256:[0-9a-f]{64})$/.exec(name)?.[1] ?? []).toSorted();
  const tag = mine
    .flatMap((name) => /:([A-Za-z0-9_][A-Za-z0-9_.-]{0,127})$/.exec(withoutDigest(name))?.[1] ?? [])
    .at(0);
  return { digest, label: label ?? tag ?? digest.slice('sha256:'.length, 'sha256:'.length + 12), image: repository };
}

/** Docker leaves its own registry out of names, and people write it. */
function plainName(repository: string): string {
  return repository.replace(/^(?:index\.)?docker\.io\//, '').replace(/^library\//, '');
}

function repositoryOf(name: string): string {
  return plainName(withoutDigest(name).replace(/:[^:/]*$/, ''));
}

function withoutDigest(name: string): string {
  return name.replace(/@.*$/, '');
}

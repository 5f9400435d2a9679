/** An answer in time, or an error: the SDK's native connection goes on retrying past its own deadlines. */

export class LateAnswer extends Error {
  override readonly name = 'LateAnswer';
}

/** Rejects with `LateAnswer` after `ms`; the question itself goes on unheard. */
export async function within<T>(ms: number, question: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new LateAnswer(`no answer within ${ms / 1_000} s`)), ms);
  });
  try {
    return await Promise.race([question, late]);
  } finally {
    clearTimeout(timer);
  }
}

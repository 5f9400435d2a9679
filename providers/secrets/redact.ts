/** Takes secret values out of texts, in every form in which they usually travel. */

/** Shorter values would hide half of every text. */
const shortest = 4;
const shortestPart = 6;
const mask = '***';

/**
 * Replaces every value of 4 characters or more by `***`: as it is, JSON-escaped, URL-encoded, and in base64 (also in the
 * middle of something longer, such as `user:password`).
 */
export function createRedactor(values: Iterable<string>): (text: string) => string {
  const forms = new Set<string>();
  for (const value of values) {
    if (value.length >= shortest) for (const form of formsOf(value)) forms.add(form);
  }
  if (forms.size === 0) return (text) => text;
  // The longest first, so that no rest of a long form remains beside a short one.
  const longestFirst = [...forms].sort((a, b) => b.length - a.length);
  const pattern = new RegExp(longestFirst.map(escaped).join('|'), 'g');
  return (text) => text.replace(pattern, mask);
}

function formsOf(value: string): readonly string[] {
  const bytes = Buffer.from(value, 'utf8');
  // Through bytes, because a lone surrogate has no URL form.
  const url = encodeURIComponent(bytes.toString('utf8'));
  const forms = [
    value,
    JSON.stringify(value).slice(1, -1),
    url,
    url.replace(/%[0-9A-F]{2}/g, (byte) => byte.toLowerCase()),
    new URLSearchParams([['', value]]).toString().slice(1),
    ...base64Parts(bytes),
  ];
  return forms.filter((form) => form.length >= shortest);
}

/** The part of a base64 text that is this value's alone, for each of the three places it can start at. */
function base64Parts(bytes: Buffer): readonly string[] {
  return [0, 1, 2].flatMap((before) => {
    const encoded = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
    const from = Math.ceil((before * 8) / 6);
    const to = Math.floor(((before + bytes.length) * 8) / 6);
    const part = encoded.slice(from, to);
    const whole = before === 0 ? [encoded, encoded.replace(/=+$/, '')] : [];
    const parts = part.length >= shortestPart ? [...whole, part] : whole;
    return parts.flatMap((one) => [one, one.replaceAll('+', '-').replaceAll('/', '_')]);
  });
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
}

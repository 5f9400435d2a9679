/** Makes foreign text safe for a terminal: labels, reasons and sentences may come from anybody. */

// C0 and C1 controls, and the marks that reorder text.
// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const unsafe = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]+/g;

/** One line without control characters. */
export function cleanText(text: string): string {
  return text.replace(unsafe, ' ');
}

/** The same value with every text in it made safe; plain JSON in, plain JSON out. */
export function clean<T>(value: T): T {
  return mapTexts(value, cleanText);
}

/** The same value with every text in it replaced, keys included. */
export function mapTexts<T>(value: T, change: (text: string) => string): T {
  const mapped = (one: unknown): unknown => {
    if (typeof one === 'string') return change(one);
    if (Array.isArray(one)) return one.map(mapped);
    if (typeof one !== 'object' || one === null) return one;
    return Object.fromEntries(Object.entries(one).map(([key, entry]) => [change(key), mapped(entry)]));
  };
  return mapped(value) as T;
}

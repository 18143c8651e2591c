/** Text that may stand in XML: what XML 1.0 §2.2 forbids becomes U+FFFD. Escaping is the builder's. */
export function printable(text: string): string {
  return text.replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '\uFFFD')
}

/**
 * What TLS is spoken with, on listeners and on links: TLS 1.2 with forward secrecy and authenticated encryption, and 1.3
 * (RFC 9325 §4.2). Everything that OpenSSL has against these is older.
 */
export const tlsSettings = {
  minVersion: 'TLSv1.2',
  ciphers: [
    ...['TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256', 'TLS_AES_128_GCM_SHA256'],
    ...['ECDHE-ECDSA-AES256-GCM-SHA384', 'ECDHE-RSA-AES256-GCM-SHA384'],
    ...['ECDHE-ECDSA-CHACHA20-POLY1305', 'ECDHE-RSA-CHACHA20-POLY1305'],
    ...['ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-RSA-AES128-GCM-SHA256'],
  ].join(':'),
  ecdhCurve: 'X25519:prime256v1:secp384r1',
} as const

/*
 * base64url without padding (RFC 4648 §5, RFC 7515 §2), as JOSE writes bytes.
 */
#ifndef NEAP_CRYPTO_BASE64URL_H
#define NEAP_CRYPTO_BASE64URL_H

#include "base/err.h"
#include "base/out.h"

/* Writes the bytes as text. Too much for it sets out->full. */
void base64url_write(struct out *out, struct str bytes);

/*
 * Writes the bytes that the text stands for. ERR_INVALID: a character that is none, a length that
 * cannot be, or bits left over at the end.
 */
enum err base64url_read(struct out *out, struct str text, struct error *e);

#endif

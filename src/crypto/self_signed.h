/*
 * A certificate that says of itself who it is, for trying out: nobody trusts it.
 */
#ifndef NEAP_CRYPTO_SELF_SIGNED_H
#define NEAP_CRYPTO_SELF_SIGNED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

enum { SELF_SIGNED_MAX = 4096, SELF_SIGNED_DAYS = 30 };

/*
 * Writes a certificate and its key as PEM into to: ECDSA P-256, valid from now on for 30 days, for
 * localhost, 127.0.0.1, ::1 and this machine's name. *pem is that text.
 */
enum err self_signed_make(char *to, size_t size, struct str *pem, struct error *e);

/*
 * Would one made now be for the same names, and does this one last another week? Then there is no
 * reason for another one.
 */
bool self_signed_is_current(struct str pem, int64_t now_s);

/* Overwrites a text that has a key in it. */
void self_signed_wipe(char *text, size_t size);

#endif

/*
 * The certificate by which a server shows that a name is its own, for the challenge tls-alpn-01
 * (RFC 8737 §3): self-signed, for that name, with the digest of the key authorization inside.
 */
#ifndef NEAP_CRYPTO_ACME_CERTIFICATE_H
#define NEAP_CRYPTO_ACME_CERTIFICATE_H

#include "base/err.h"
#include "base/out.h"

/* Appends the certificate and its key, which is made for it, as PEM. */
enum err acme_certificate_write(struct out *out, const char *name, struct str authorization,
				struct error *e);

#endif

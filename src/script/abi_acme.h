/*
 * The contract between C and Lua (abi.h): certificates from a CA.
 */
#ifndef NEAP_SCRIPT_ABI_ACME_H
#define NEAP_SCRIPT_ABI_ACME_H

#include <stddef.h>
#include <stdint.h>

/* cdef begin */

/*
 * Certificates from a CA (abi_acme.c), for the agent. 1: done, and out has the answer; 0: out says
 * why not. Keys are PEM, on P-256.
 */
enum { NEAP_ACME_ABSENT = 2 }; /* there is no such file */
uint32_t neap_acme_base64url(const char *bytes, size_t n);
uint32_t neap_acme_bytes(const char *text, size_t n);	/* of base64url */
uint32_t neap_acme_digest(const char *bytes, size_t n); /* SHA-256, base64url */
uint32_t neap_acme_mac(const char *secret, size_t secret_n, const char *bytes, size_t n);
uint32_t neap_acme_key(void); /* a new one */
uint32_t neap_acme_jwk(const char *pem, size_t pem_n);
uint32_t neap_acme_sign(const char *pem, size_t pem_n, const char *bytes, size_t n);   /* ES256 */
uint32_t neap_acme_request(const char *pem, size_t pem_n, const char *name, size_t n); /* DER */
/* Certificate and key of tls-alpn-01, for a key authorization. */
uint32_t neap_acme_proof(const char *name, size_t name_n, const char *bytes, size_t n);
/* Chain and key: do they go together, and with the name? dates: from, until, seconds since 1970. */
uint32_t neap_acme_leaf(const char *pem, size_t pem_n, const char *name, size_t n, double dates[2]);
/* Whom the CA of the service is verified by: the file that tls.acme.ca names. */
uint32_t neap_acme_trust(uint32_t service);
uint32_t neap_acme_publish(const char *text, size_t n); /* for workers: shm/board_acme.h */
/* Files of the storage. */
uint32_t neap_acme_load(const char *path, size_t n);
uint32_t neap_acme_store(const char *path, size_t path_n, const char *bytes, size_t n);
uint32_t neap_acme_folder(const char *path, size_t n);

/* cdef end */

#endif

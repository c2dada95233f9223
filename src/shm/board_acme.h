/*
 * Certificates and answers to challenges, as the agent leaves them to workers. The text is a row of
 * entries, each a line "KIND SERVICE NAME LENGTH" and then so many bytes and a line feed:
 *
 *   http   NAME is the token, the bytes are the key authorization (RFC 8555 §8.3)
 *   alpn   NAME is the domain, the bytes are certificate and key of tls-alpn-01 (RFC 8737)
 *   pem    NAME is the domain, the bytes are chain and key
 *
 * The agent alone writes, and it writes the whole text anew.
 */
#ifndef NEAP_SHM_BOARD_ACME_H
#define NEAP_SHM_BOARD_ACME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

struct board;

/* ERR_LIMIT: it is longer than BOARD_ACME_BYTES, and the text before stays. */
enum err board_acme_write(struct board *b, struct str text, struct error *e);

/* Differs after each write; 0: nothing was written yet. One atomic load. */
uint32_t board_acme_version(const struct board *b);

/*
 * A copy of the text, which the caller frees, and its version. ERR_MEMORY; ERR_GONE: the agent wrote
 * again and again meanwhile.
 */
enum err board_acme_read(const struct board *b, char **text, size_t *n, uint32_t *version,
			 struct error *e);

/* One entry. All parts point into the text. */
struct acme_entry {
	struct str kind, name, bytes;
	uint32_t service;
};

/* Takes the next entry off the text; false at its end, or at what is no entry. */
bool acme_entry_next(struct str *rest, struct acme_entry *entry);

#endif

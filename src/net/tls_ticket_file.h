/*
 * Ticket keys from a file that several machines share: 80 bytes a key, one after the other. The
 * first encrypts, the others decrypt what an older file's first one encrypted.
 */
#ifndef NEAP_NET_TLS_TICKET_FILE_H
#define NEAP_NET_TLS_TICKET_FILE_H

#include "base/str.h"
#include "net/tls_tickets.h"

enum { TLS_TICKET_FILE_MAX = 64 };

struct tls_ticket_file {
	struct tls_ticket_key *keys;
	unsigned count;
};

/*
 * Copies the keys of a file's bytes. ERR_INVALID: they are no whole number of keys, or keys that
 * cannot be random. *f can be freed in any case.
 */
enum err tls_ticket_file_read(struct tls_ticket_file *f, struct str bytes, struct error *e);
void tls_ticket_file_free(struct tls_ticket_file *f);

/* As a source; the file must outlive it. */
struct tls_ticket_source tls_ticket_file_source(struct tls_ticket_file *f);

#endif

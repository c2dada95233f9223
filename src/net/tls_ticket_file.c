#include "net/tls_ticket_file.h"

#include <stdlib.h>
#include <string.h>

/* All bytes alike, as of a file that was made by hand. */
static bool is_blank(const char *key)
{
	return memcmp(key, key + 1, TLS_TICKET_KEY_BYTES - 1) == 0;
}

static enum err judge(struct str bytes, struct error *e)
{
	if (bytes.n == 0 || bytes.n % TLS_TICKET_KEY_BYTES != 0)
		return err_set(e, ERR_INVALID,
			       "%zu bytes, but a key is %d random bytes "
			       "(head -c %d /dev/urandom > FILE)",
			       bytes.n, TLS_TICKET_KEY_BYTES, TLS_TICKET_KEY_BYTES);
	if (bytes.n / TLS_TICKET_KEY_BYTES > TLS_TICKET_FILE_MAX)
		return err_set(e, ERR_INVALID, "%zu keys, but at most %d are kept",
			       bytes.n / TLS_TICKET_KEY_BYTES, TLS_TICKET_FILE_MAX);
	for (size_t at = 0; at < bytes.n; at += TLS_TICKET_KEY_BYTES) {
		if (is_blank(bytes.p + at))
			return err_set(e, ERR_INVALID, "key %zu is not random: its bytes are alike",
				       at / TLS_TICKET_KEY_BYTES + 1);
	}
	return ERR_OK;
}

enum err tls_ticket_file_read(struct tls_ticket_file *f, struct str bytes, struct error *e)
{
	*f = (struct tls_ticket_file){ NULL, 0 };
	enum err err = judge(bytes, e);
	if (err != ERR_OK)
		return err;
	f->keys = malloc(bytes.n);
	if (f->keys == NULL)
		return err_set(e, ERR_MEMORY, "no memory for ticket keys");
	memcpy(f->keys, bytes.p, bytes.n);
	f->count = (unsigned)(bytes.n / TLS_TICKET_KEY_BYTES);
	return ERR_OK;
}

void tls_ticket_file_free(struct tls_ticket_file *f)
{
	if (f->keys != NULL)
		explicit_bzero(f->keys, f->count * sizeof(*f->keys));
	free(f->keys);
	*f = (struct tls_ticket_file){ NULL, 0 };
}

static bool newest(void *ctx, struct tls_ticket_key *key)
{
	const struct tls_ticket_file *f = ctx;
	*key = f->keys[0];
	return true;
}

static bool find(void *ctx, const uint8_t name[TLS_TICKET_NAME_BYTES], struct tls_ticket_key *key)
{
	const struct tls_ticket_file *f = ctx;
	for (unsigned i = 0; i < f->count; i++) {
		if (memcmp(f->keys[i].bytes, name, TLS_TICKET_NAME_BYTES) != 0)
			continue;
		*key = f->keys[i];
		return true;
	}
	return false;
}

struct tls_ticket_source tls_ticket_file_source(struct tls_ticket_file *f)
{
	return (struct tls_ticket_source){ newest, find, f };
}

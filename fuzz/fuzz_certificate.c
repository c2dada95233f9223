/*
 * Files of TLS settings: chains with keys, ticket keys, OCSP answers. Whatever is in them, there is
 * an error with words or something whole.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/authority.h"
#include "crypto/certificate.h"
#include "crypto/pem_reader.h"
#include "crypto/self_signed.h"
#include "net/tls_ticket_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void look_at_name(void *ctx, struct str name)
{
	(void)ctx;
	must(name.n > 0 && name.n < 256 && memchr(name.p, '\0', name.n) == NULL);
	for (size_t i = 0; i < name.n; i++)
		must(name.p[i] < 'A' || name.p[i] > 'Z');
}

static void read_chain(struct str bytes, const struct certificate_text *text)
{
	struct error e = { .text = "" };
	struct certificate *c;

	if (certificate_read(&c, text, &e) != ERR_OK) {
		must(c == NULL && e.text[0] != '\0');
		return;
	}
	must(certificate_leaf(c) != NULL && certificate_of_leaf(certificate_leaf(c)) == c);
	must(certificate_kind(c) < CERTIFICATE_KINDS);
	(void)certificate_not_before(c);
	(void)certificate_not_after(c);
	certificate_each_name(c, look_at_name, NULL);
	(void)certificate_staple(c, bytes, &e);
	certificate_drop(c);
}

/* One of many is the same as one alone, and so is one that is read later. */
static void read_as_others(struct str bytes, const struct certificate_text *text)
{
	static struct pem_reader *reader;
	const struct certificate_facts facts = { CERTIFICATE_RSA, { "a.test b.test", 13 } };
	struct certificate *alone, *many, *later;
	struct error e = { .text = "" };

	must(reader != NULL || pem_reader_create(&reader, &e) == ERR_OK);
	enum err err = certificate_read(&alone, text, &e);
	must(certificate_read_by(reader, &many, text, &e) == err);
	must(certificate_defer(&later, text, bytes, &facts, &e) == ERR_OK);
	must(certificate_load(later) == (err == ERR_OK));
	if (err == ERR_OK) {
		must(certificate_kind(many) == certificate_kind(alone));
		must(certificate_order(many) == certificate_order(alone));
		must(certificate_kind(later) == certificate_kind(alone));
	}
	certificate_drop(alone);
	certificate_drop(many);
	certificate_drop(later);
}

static void count(void *ctx, enum authority_fault fault, const char *name)
{
	(void)ctx;
	must(fault <= AUTHORITY_NO_ROOT && strlen(name) < AUTHORITY_NAME_BYTES);
}

/* An answer about a certificate of ours. */
static void read_staple(struct str bytes)
{
	static struct certificate *own;
	static char pem[SELF_SIGNED_MAX];
	struct certificate_text text = { 0 };
	struct error e = { .text = "" };

	if (own == NULL)
		must(self_signed_make(pem, sizeof(pem), &text.chain, &e) == ERR_OK &&
		     certificate_read(&own, &text, &e) == ERR_OK);
	if (certificate_staple(own, bytes, &e) != ERR_OK)
		must(e.text[0] != '\0');
}

static void read_keys(struct str bytes)
{
	struct error e = { .text = "" };
	struct tls_ticket_file f;

	if (tls_ticket_file_read(&f, bytes, &e) == ERR_OK)
		must(f.count == bytes.n / TLS_TICKET_KEY_BYTES && f.count > 0);
	else
		must(f.keys == NULL && e.text[0] != '\0');
	tls_ticket_file_free(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct str bytes = { (const char *)data, size };
	const struct certificate_text alone = { .chain = bytes },
				      apart = { bytes, bytes, "a", "b" };

	read_chain(bytes, &alone);
	read_chain(bytes, &apart);
	read_as_others(bytes, &alone);
	authority_each_fault(bytes, count, NULL);
	read_staple(bytes);
	read_keys(bytes);
	return 0;
}

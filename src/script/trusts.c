#include "script/trusts.h"

#include <string.h>

#include "crypto/certificate.h"

static void add_text(struct sha256 *sum, struct str text)
{
	sha256_add(sum, &text.n, sizeof(text.n));
	if (text.n > 0)
		sha256_add(sum, text.p, text.n);
}

bool trusts_id(uint8_t id[SHA256_BYTES], const struct trust_wish *wish)
{
	uint8_t verify = wish->skips_verify ? 0 : 1;
	struct sha256 sum;

	sha256_init(&sum);
	sha256_add(&sum, &verify, sizeof(verify));
	add_text(&sum, wish->ca);
	add_text(&sum, wish->certificate);
	add_text(&sum, wish->key);
	bool is_made = sum.openssl != NULL;
	sha256_end(&sum, id);
	return is_made;
}

static enum err make_context(struct tls_context **c, const struct trust_wish *wish, struct error *e)
{
	struct certificate_text text = { .chain = wish->certificate,
					 .key = wish->key,
					 .chain_where = "tls.certificate",
					 .key_where = "tls.key" };
	struct tls_client_settings settings = {
		.where = "tls",
		.server = { .verify = wish->skips_verify ? TLS_VERIFY_OFF : TLS_VERIFY_REQUIRE,
			    .ca = wish->ca },
	};
	enum err err = wish->certificate.n > 0 ? certificate_read(&settings.certificate, &text, e)
					       : ERR_OK;
	if (err == ERR_OK)
		err = tls_context_dial(c, &settings, e);
	certificate_drop(settings.certificate);
	return err;
}

static void put_first(struct trusts *t, unsigned at, struct trust one)
{
	memmove(&t->kept[1], &t->kept[0], at * sizeof(t->kept[0]));
	t->kept[0] = one;
}

enum err trusts_find(struct trusts *t, const struct trust_wish *wish, struct tls_context **c,
		     struct error *e)
{
	struct trust one = { .context = NULL };

	if (!trusts_id(one.id, wish))
		return err_set(e, ERR_MEMORY, "no memory for TLS");
	for (unsigned i = 0; i < t->n; i++) {
		if (memcmp(t->kept[i].id, one.id, sizeof(one.id)) != 0)
			continue;
		put_first(t, i, t->kept[i]);
		*c = t->kept[0].context;
		return ERR_OK;
	}
	enum err err = make_context(&one.context, wish, e);
	if (err != ERR_OK)
		return err;
	if (t->n == TRUSTS_MAX)
		tls_context_free(t->kept[--t->n].context);
	put_first(t, t->n++, one);
	*c = one.context;
	return ERR_OK;
}

void trusts_fini(struct trusts *t)
{
	while (t->n > 0)
		tls_context_free(t->kept[--t->n].context);
}

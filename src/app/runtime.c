#include "app/runtime.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "conf/secrets.h"
#include "conf/secrets_read.h"
#include "crypto/self_signed.h"
#include "exchange/service_tls.h"
#include "fleet/hardening.h"
#include "net/tls_conn.h"
#include "shm/board_certificate.h"
#include "shm/board_self_signed.h"

static enum err open_bundle(struct runtime *r, const struct runtime_options *o, struct error *e)
{
	const struct settings *s = o->settings;
	struct str bytes;

	if (!o->must_fill)
		return bundle_open(&r->bundle, o->memfd, e);
	/* A daemon has left that folder meanwhile. */
	if (s->folder != NULL && s->must_detach && chdir(s->folder) != 0)
		return err_sys(e, errno, "%s", s->folder);
	enum err err = bundle_create(&r->bundle, o->memfd, e);
	if (err != ERR_OK)
		return err;
	if (s->text != NULL)
		return bundle_put(r->bundle, s->config, str_of(s->text), e);
	return bundle_read(r->bundle, s->config, &bytes, e);
}

static void note_certificate(void *board, const struct secret_fact *fact)
{
	struct board_certificate row = { .not_after = fact->not_after, .service = fact->service };

	(void)str_copy(row.name, sizeof(row.name), str_of(fact->name)); /* "" if it is too long */
	board_certificate_set_file(&row, str_of(fact->path));
	board_certificate_add(board, &row);
}

/* The generation before may have made a certificate: clients know it. */
static enum err take_self_signed(struct bundle *to, const struct board *previous, struct error *e)
{
	char bytes[BOARD_SELF_SIGNED_BYTES];
	enum err err = ERR_OK;

	if (previous == NULL)
		return ERR_OK;
	struct str pem = board_self_signed_get(previous, bytes);
	if (self_signed_is_current(pem, time(NULL)))
		err = bundle_put(to, secrets_self_signed, pem, e);
	self_signed_wipe(bytes, sizeof(bytes));
	return err;
}

static void keep_self_signed(struct board *board, struct bundle *from)
{
	struct str pem;
	struct error e;

	if (bundle_keeps(from, secrets_self_signed) &&
	    bundle_read_as(from, BUNDLE_SECRET, secrets_self_signed, &pem, &e) == ERR_OK)
		board_self_signed_set(board, pem);
}

/*
 * Between the config and its policies: the first to load a generation reads the files that TLS
 * settings name, the others have what it kept. After that nobody has root's rights any more.
 */
static enum err take_secrets(void *ctx, const struct conf *c, struct error *e)
{
	struct runtime *r = ctx;
	const struct runtime_options *o = r->options;
	const struct secret_facts facts = { note_certificate, o->board };

	if (!o->must_fill && o->secrets < 0)
		return ERR_OK; /* a trial of policies alone */
	enum err err = o->must_fill ? bundle_create(&r->secrets, o->secrets, e)
				    : bundle_open(&r->secrets, o->secrets, e);

	if (err != ERR_OK || !o->must_fill)
		return err;
	if (o->identity->kind == IDENTITY_ANOTHER)
		bundle_set_user(r->secrets, identity_name(o->identity));
	lender_turn(&r->lender, r->secrets);
	err = take_self_signed(r->secrets, o->previous, e);
	if (err == ERR_OK)
		err = secrets_read(r->secrets, c, o->settings->config, &facts, e);
	keep_self_signed(o->board, r->secrets);
	bundle_end_loan(r->secrets);
	lender_end(&r->lender);
	if (err == ERR_OK && (service_tls_try(c, r->secrets, o->settings->config, e) != ERR_OK ||
			      pool_tls_try(c, r->secrets, e) != ERR_OK))
		err = err_set(e, e->code, "%s: %s", o->settings->config, e->text);
	return err;
}

/* The config has been evaluated, but no hook of it has run, nor any file of a policy. */
static enum err harden(const struct runtime_options *o, struct error *e)
{
	if (!hardening_exists()) {
		if (o->worker < 0 && o->must_fill) /* once a generation */
			log_info("hardening: this kernel or build has no filter for system calls");
		return ERR_OK;
	}
	if (hardening_apply())
		return ERR_OK;
	return err_sys(e, errno,
		       "%s: hardening: cannot limit the system calls (hardening = false "
		       "goes without)",
		       o->settings->config);
}

static enum err settle(void *ctx, const struct conf *c, struct error *e)
{
	const struct runtime *r = ctx;
	enum err err = take_secrets(ctx, c, e);

	return err == ERR_OK && c->hardening ? harden(r->options, e) : err;
}

static enum err load_vm(struct runtime *r, const struct runtime_options *o, struct error *e)
{
	struct policies_options p = {
		.loop = &r->loop,
		.board = o->board,
		.previous = o->previous,
		.worker = o->worker,
		.store_fds = o->store_fds,
		.store_fds_n = o->store_fds_n,
		.native = { .bundle = r->bundle,
			    .journal = o->journal,
			    .earlier = o->earlier,
			    .is_worker = o->worker >= 0,
			    .config = o->settings->config },
		.secrets = &r->secrets,
		.on_state_change = o->on_state_change,
		.ctx = o->ctx,
		.on_conf = settle,
		.conf_ctx = r,
	};
	enum err err = policies_create(&r->policies, &p, e);

	if (err != ERR_OK)
		return err;
	if (o->conf_only)
		return vm_read_conf(&r->policies->vm, &r->conf, e);
	err = policies_load(r->policies, &r->conf, e);
	if (err == ERR_OK && r->secrets != NULL)
		err = pool_tls_init(&r->pool_tls, &r->conf, r->secrets, e);
	r->policies->cos.io.pools = (struct io_pools){ pool_tls_find, &r->pool_tls };
	return err;
}

enum err runtime_init(struct runtime *r, const struct runtime_options *o, struct error *e)
{
	memset(r, 0, sizeof(*r));
	r->options = o;
	enum err err = loop_init(&r->loop, e);
	if (err != ERR_OK)
		return err;
	timers_init(&r->timers, &r->loop);
	err = open_bundle(r, o, e);
	if (err == ERR_OK && o->must_fill && o->identity->kind == IDENTITY_ANOTHER &&
	    o->settings->text == NULL)
		err = lender_start(&r->lender, r->bundle, o->settings->config, e);
	if (err == ERR_OK)
		err = identity_assume(o->identity, e);
	if (err == ERR_OK && o->identity->kind == IDENTITY_ANOTHER)
		bundle_set_user(r->bundle, identity_name(o->identity));
	if (err == ERR_OK)
		err = load_vm(r, o, e);
	r->options = NULL;
	if (err != ERR_OK)
		runtime_fini(r);
	return err;
}

void runtime_fini(struct runtime *r)
{
	policies_destroy(r->policies);
	pool_tls_fini(&r->pool_tls);
	lender_end(&r->lender);
	bundle_destroy(r->bundle);
	bundle_destroy(r->secrets);
	conf_fini(&r->conf);
	timers_fini(&r->timers);
	tls_end(&r->loop); /* also what Lua had open is closed by now */
	loop_fini(&r->loop);
}

#include "app/runtime.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static enum err open_bundle(struct runtime *r, const struct runtime_options *o, struct error *e)
{
	const struct settings *s = o->settings;
	struct str bytes;

	if (!o->must_fill)
		return bundle_open(&r->bundle, o->memfd, e);
	/* A daemon has left it meanwhile. */
	if (s->folder != NULL && s->must_detach && chdir(s->folder) != 0)
		return err_sys(e, errno, "%s", s->folder);
	enum err err = bundle_create(&r->bundle, o->memfd, e);
	if (err != ERR_OK)
		return err;
	if (s->text != NULL)
		return bundle_put(r->bundle, s->config, str_of(s->text), e);
	return bundle_read(r->bundle, s->config, &bytes, e);
}

static enum err load(struct runtime *r, const struct runtime_options *o, struct error *e)
{
	struct vm_options vm = {
		.loop = &r->loop,
		.timers = &r->timers,
		.board = o->board,
		.previous = o->previous,
		.bundle = r->bundle,
		.worker = o->worker,
		.journal = o->journal,
		.config = o->settings->config,
		.on_state_change = o->on_state_change,
		.ctx = o->ctx,
	};
	enum err err = vm_create(&r->vm, &vm, e);

	if (err != ERR_OK)
		return err;
	return o->conf_only ? vm_read_conf(r->vm, &r->conf, e) : vm_load(r->vm, &r->conf, e);
}

enum err runtime_init(struct runtime *r, const struct runtime_options *o, struct error *e)
{
	memset(r, 0, sizeof(*r));
	enum err err = loop_init(&r->loop, e);
	if (err != ERR_OK)
		return err;
	timers_init(&r->timers, &r->loop);
	err = open_bundle(r, o, e);
	if (err == ERR_OK)
		err = identity_assume(o->identity, e);
	if (err == ERR_OK && o->identity->is_set)
		bundle_set_user(r->bundle, identity_name(o->identity));
	if (err == ERR_OK)
		err = load(r, o, e);
	if (err != ERR_OK)
		runtime_fini(r);
	return err;
}

void runtime_fini(struct runtime *r)
{
	if (r->vm != NULL)
		vm_destroy(r->vm);
	if (r->bundle != NULL)
		bundle_destroy(r->bundle);
	conf_fini(&r->conf);
	timers_fini(&r->timers);
	loop_fini(&r->loop);
}

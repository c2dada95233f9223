#include "fleet/plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/syslog.h"
#include "conf/conf_digest.h"
#include "net/addr.h"
#include "shm/board_size.h"
#include "shm/store.h"

static enum err write_listens(struct board_plan *p, const struct conf *c, struct error *e)
{
	for (unsigned s = 0; s < c->services_n; s++) {
		const struct conf_service *service = &c->services[s];
		for (unsigned i = 0; i < service->listens; i++) {
			if (p->listens == countof(p->listen))
				return err_set(e, ERR_LIMIT, "listen: more than %zu addresses",
					       countof(p->listen));
			if (!str_copy(p->listen[p->listens].address, sizeof(p->listen[0].address),
				      str_of(service->listen[i].address)))
				return err_set(e, ERR_LIMIT, "listen: too long an address: %s",
					       service->listen[i].address);
			p->listen[p->listens].is_tcp = service->is_tcp;
			p->listen[p->listens].is_udp = service->is_udp;
			p->listen[p->listens].is_tls = service->listen[i].is_tls;
			p->listen[p->listens].listen = (uint16_t)i;
			p->listen[p->listens].service = (uint16_t)s;
			p->listens++;
		}
		if (!service->is_udp && service->limits.connections > p->connections)
			p->connections = service->limits.connections;
	}
	return ERR_OK;
}

static enum err write_stores(struct board_plan *p, const struct conf *c, struct error *e)
{
	if (c->stores_n > BOARD_STORES_MAX)
		return err_set(e, ERR_LIMIT, "shared: more than %d stores", BOARD_STORES_MAX);
	for (unsigned i = 0; i < c->stores_n; i++) {
		memcpy(p->store[i].name, c->stores[i].name, sizeof(p->store[i].name));
		p->store[i].bytes = c->stores[i].bytes;
	}
	p->stores = c->stores_n;
	return ERR_OK;
}

static enum err write_path(char *to, size_t size, const char *key, const char *path,
			   struct error *e)
{
	if (path == NULL || str_copy(to, size, str_of(path)))
		return ERR_OK;
	return err_set(e, ERR_LIMIT, "%s: longer than %zu bytes: %s", key, size - 1, path);
}

/* Names the part in which the two differ, as "service 'web'"; "" when that cannot be said. */
static void name_difference(const struct board_plan *p, const struct conf *c, char *to, size_t size)
{
	to[0] = '\0';
	for (unsigned i = 0; i < c->services_n && i < BOARD_SERVICES_MAX && to[0] == '\0'; i++) {
		if (p->service_digests[i] != conf_service_digest(&c->services[i]))
			(void)snprintf(to, size, "services[%u]: ", i + 1);
	}
	for (unsigned i = 0; i < c->pools_n && i < BOARD_POOLS_MAX && to[0] == '\0'; i++) {
		if (p->pool_digests[i] != conf_pool_digest(&c->pools[i]))
			(void)snprintf(to, size, "pool '%s': ", c->pools[i].name);
	}
}

enum err plan_check_same(const struct board_plan *p, const struct conf *c, const char *config,
			 struct error *e)
{
	char where[CONF_NAME_MAX + 32];

	if (c->digest == p->digest)
		return ERR_OK;
	name_difference(p, c, where, sizeof(where));
	return err_set(e, ERR_INVALID,
		       "%s: %sthe config gives different settings each time it is evaluated "
		       "(expected the same in every process: settings that come neither from "
		       "neap.random, nor from the order of pairs, nor from the text of a table)",
		       config, where);
}

enum err plan_write(struct board_plan *p, const struct conf *c, struct error *e)
{
	memset(p, 0, sizeof(*p));
	p->workers = c->workers;
	p->log_level = c->log_level;
	p->digest = c->digest;
	for (unsigned i = 0; i < c->services_n && i < BOARD_SERVICES_MAX; i++)
		p->service_digests[i] = conf_service_digest(&c->services[i]);
	for (unsigned i = 0; i < c->pools_n && i < BOARD_POOLS_MAX; i++)
		p->pool_digests[i] = conf_pool_digest(&c->pools[i]);
	enum err err = write_listens(p, c, e);
	if (err == ERR_OK)
		err = write_stores(p, c, e);
	if (err == ERR_OK)
		err = write_path(p->log_target, sizeof(p->log_target), "log.target", c->log_target,
				 e);
	if (err == ERR_OK)
		err = write_path(p->pid_file, sizeof(p->pid_file), "pid_file", c->pid_file, e);
	if (err == ERR_OK)
		err = write_path(p->admin, sizeof(p->admin), "admin.listen", c->admin.listen, e);
	(void)str_copy(p->admin_group, sizeof(p->admin_group), str_of(c->admin.group));
	p->admin_mode = c->admin.mode;
	return err;
}

static bool is_text(const char *s, size_t size)
{
	return memchr(s, '\0', size) != NULL;
}

static enum err check_plan_listens(const struct board_plan *p, struct error *e)
{
	struct addr a;

	for (unsigned i = 0; i < p->listens; i++) {
		if (!is_text(p->listen[i].address, sizeof(p->listen[i].address)) ||
		    p->listen[i].is_tcp > 1 || p->listen[i].is_tls > 1 || p->listen[i].is_udp > 1 ||
		    p->listen[i].listen >= BOARD_LISTENS_MAX ||
		    p->listen[i].service >= BOARD_SERVICES_MAX)
			return err_set(e, ERR_INVALID, "plan: not one of ours");
		enum err err = addr_parse(&a, str_of(p->listen[i].address), e);
		if (err != ERR_OK)
			return err;
	}
	return ERR_OK;
}

static bool are_stores_sane(const struct board_plan *p)
{
	if (p->stores > BOARD_STORES_MAX)
		return false;
	for (unsigned i = 0; i < p->stores; i++) {
		if (!is_text(p->store[i].name, sizeof(p->store[i].name)) ||
		    p->store[i].bytes < STORE_BYTES_MIN || p->store[i].bytes > STORE_BYTES_MAX)
			return false;
	}
	return true;
}

static enum err check_plan(const struct board_plan *p, struct error *e)
{
	bool is_sane =
		p->workers >= 1 && p->workers <= BOARD_WORKERS_MAX && p->listens >= 1 &&
		p->listens <= countof(p->listen) && p->log_level >= LOG_LEVEL_DEBUG &&
		p->log_level <= LOG_LEVEL_ERROR && is_text(p->log_target, sizeof(p->log_target)) &&
		is_text(p->pid_file, sizeof(p->pid_file)) && is_text(p->admin, sizeof(p->admin)) &&
		is_text(p->admin_group, sizeof(p->admin_group)) && p->admin_mode <= 0666 &&
		are_stores_sane(p);
	struct addr admin;

	if (is_sane && p->admin[0] != '\0' && addr_parse(&admin, str_of(p->admin), e) != ERR_OK)
		return e->code;
	return is_sane ? check_plan_listens(p, e)
		       : err_set(e, ERR_INVALID, "plan: not one of ours");
}

/*
 * A daemon changes its folder, and log files are opened again later: no path may depend on the
 * folder.
 */
static enum err make_absolute(char *path, size_t size, const char *folder, struct error *e)
{
	char whole[1024];

	if (path[0] == '\0' || path[0] == '/')
		return ERR_OK;
	int n = snprintf(whole, sizeof(whole), "%s/%s", folder, path);
	if (n < 0 || !str_copy(path, size, str_of(whole)))
		return err_set(e, ERR_LIMIT, "%s: too long a path", whole);
	return ERR_OK;
}

bool plan_is_file(const char *target)
{
	return target != NULL && target[0] != '\0' && strcmp(target, "stderr") != 0 &&
	       !syslog_is_target(target);
}

enum err plan_fix_paths(struct conf *c, const struct settings *s, struct error *e)
{
	char whole[1024];

	if (!plan_is_file(c->access_log) || strcmp(c->access_log, "stdout") == 0)
		return ERR_OK;
	if (!str_copy(whole, sizeof(whole), str_of(c->access_log)))
		return err_set(e, ERR_LIMIT, "access_log.target: too long a path");
	enum err err = make_absolute(whole, sizeof(whole), s->folder, e);
	char *path = err == ERR_OK ? strdup(whole) : NULL;
	if (path == NULL)
		return err == ERR_OK ? err_set(e, ERR_MEMORY, "out of memory") : err;
	free(c->access_log);
	c->access_log = path;
	return ERR_OK;
}

bool plan_logs_to_file(const struct board_plan *p)
{
	return plan_is_file(p->log_target);
}

enum err plan_read(struct board_plan *to, const struct board_plan *from, const struct settings *s,
		   struct error *e)
{
	memcpy(to, from, sizeof(*to));
	enum err err = check_plan(to, e);
	if (err != ERR_OK)
		return err;
	if (s->workers > 0)
		to->workers = s->workers;
	if (s->pid_file != NULL &&
	    !str_copy(to->pid_file, sizeof(to->pid_file), str_of(s->pid_file)))
		return err_set(e, ERR_LIMIT, "-p: longer than %zu bytes", sizeof(to->pid_file) - 1);
	if (plan_logs_to_file(to))
		err = make_absolute(to->log_target, sizeof(to->log_target), s->folder, e);
	if (err == ERR_OK)
		err = make_absolute(to->pid_file, sizeof(to->pid_file), s->folder, e);
	return err;
}

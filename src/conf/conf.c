#include "conf/conf.h"

#include <stdlib.h>
#include <string.h>

static void free_texts(char **texts, unsigned n)
{
	for (unsigned i = 0; texts != NULL && i < n; i++)
		free(texts[i]);
	free(texts);
}

static void free_service(struct conf_service *s)
{
	for (unsigned i = 0; s->listen != NULL && i < s->listens; i++)
		free(s->listen[i].address);
	free(s->listen);
	free_texts(s->trust, s->trusts);
	free_texts(s->compress.types, s->compress.types_n);
	conf_tls_fini(&s->tls);
}

void conf_fini(struct conf *c)
{
	for (unsigned i = 0; c->services != NULL && i < c->services_n; i++)
		free_service(&c->services[i]);
	for (unsigned i = 0; c->pools != NULL && i < c->pools_n; i++)
		conf_pool_tls_fini(&c->pools[i].tls);
	free(c->services);
	free(c->pools);
	free(c->stores);
	free(c->pid_file);
	free(c->log_target);
	free(c->admin.listen);
	free(c->admin.token);
	free(c->admin.token_file);
	free(c->access_log);
	memset(c, 0, sizeof(*c));
}

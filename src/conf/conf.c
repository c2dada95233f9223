#include "conf/conf.h"

#include <stdlib.h>
#include <string.h>

static void free_texts(char **texts, unsigned n)
{
	for (unsigned i = 0; texts != NULL && i < n; i++)
		free(texts[i]);
	free(texts);
}

void conf_fini(struct conf *c)
{
	for (unsigned i = 0; c->services != NULL && i < c->services_n; i++) {
		free_texts(c->services[i].listen, c->services[i].listens);
		free_texts(c->services[i].trust, c->services[i].trusts);
	}
	free(c->services);
	free(c->pools);
	free(c->pid_file);
	free(c->log_target);
	free(c->admin.listen);
	free(c->access_log);
	memset(c, 0, sizeof(*c));
}

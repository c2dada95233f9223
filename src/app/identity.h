/*
 * Who agent and workers run as: the config's `user` and `group`. The master keeps root, to bind
 * again later; it runs no user code.
 */
#ifndef NEAP_APP_IDENTITY_H
#define NEAP_APP_IDENTITY_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "conf/conf.h"

struct identity {
	bool is_set; /* false: stay who we are */
	uid_t uid;
	gid_t gid;
	char user[CONF_NAME_MAX], group[CONF_NAME_MAX];
};

/*
 * Looks up names ("" = none). user "" leaves *id unset. Errors say which key is wrong; not being
 * root and asking for somebody else is one.
 */
enum err identity_find(struct identity *id, const char *user, const char *group, struct error *e);

/* The one who may do nothing at all, for reading a config whose `user` is not known yet. */
void identity_nobody(struct identity *id);

/* The user's; whoever may do nothing has one too. */
const char *identity_name(const struct identity *id);

/*
 * Becomes *id for good: groups, group, user, no way back, no core dump or trace by others; unset:
 * as it is. No new privileges either way.
 */
enum err identity_assume(const struct identity *id, struct error *e);

#endif

/*
 * The user and group that agent and workers run as: the config's `user` and `group`. The master
 * keeps root, to bind again later; it runs no user code.
 */
#ifndef NEAP_FLEET_IDENTITY_H
#define NEAP_FLEET_IDENTITY_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "conf/conf.h"

enum identity_kind {
	IDENTITY_UNKNOWN, /* nobody has looked yet; the same as the next */
	IDENTITY_OURS,	  /* stay who we are */
	IDENTITY_ANOTHER, /* become uid and gid */
};

struct identity {
	enum identity_kind kind;
	uid_t uid;
	gid_t gid;
	char user[CONF_NAME_MAX], group[CONF_NAME_MAX];
};

/*
 * Looks up names ("" = none). On an error *id is IDENTITY_UNKNOWN, and the text says which key is
 * wrong; to ask for another user without being root is an error, too.
 */
enum err identity_find(struct identity *id, const char *user, const char *group, struct error *e);

/* The user who may do nothing at all, for reading a config whose `user` is not known yet. */
void identity_nobody(struct identity *id);

/* The user's name, "nobody" where none was looked up. */
const char *identity_name(const struct identity *id);

/*
 * Becomes IDENTITY_ANOTHER for good: groups, group, user, no way back, no core dump or trace by
 * others. No new privileges in any case.
 */
enum err identity_assume(const struct identity *id, struct error *e);

#endif

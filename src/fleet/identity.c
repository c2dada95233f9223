#include "fleet/identity.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/str.h"
#include "fleet/child.h"

enum { NOBODY = 65534 };

static enum err find_group(struct identity *id, const char *group, struct error *e)
{
	if (group[0] == '\0')
		return ERR_OK;
	const struct group *g = getgrnam(group);
	if (g == NULL)
		return err_set(e, ERR_INVALID, "group: there is no group '%s' on this machine",
			       group);
	id->gid = g->gr_gid;
	return ERR_OK;
}

static enum err find_user(struct identity *id, const char *user, struct error *e)
{
	const struct passwd *p = getpwnam(user);

	if (p == NULL)
		return err_set(e, ERR_INVALID, "user: there is no user '%s' on this machine", user);
	id->uid = p->pw_uid;
	id->gid = p->pw_gid;
	return ERR_OK;
}

static enum err check_rights(const struct identity *id, struct error *e)
{
	if (geteuid() == 0 || id->uid == geteuid())
		return ERR_OK;
	return err_set(e, ERR_INVALID,
		       "user: only root can run as '%s'; start neap as root or take the key out",
		       id->user);
}

enum err identity_find(struct identity *id, const char *user, const char *group, struct error *e)
{
	*id = (struct identity){ .kind = IDENTITY_UNKNOWN };
	if (user[0] == '\0' && group[0] != '\0')
		return err_set(e, ERR_INVALID, "group: has no effect without user");
	if (user[0] == '\0') {
		id->kind = IDENTITY_OURS;
		return ERR_OK;
	}
	if (!str_copy(id->user, sizeof(id->user), str_of(user)) ||
	    !str_copy(id->group, sizeof(id->group), str_of(group)))
		return err_set(e, ERR_INVALID, "user: too long a name");
	enum err err = find_user(id, user, e);
	if (err == ERR_OK)
		err = find_group(id, group, e);
	if (err == ERR_OK)
		err = check_rights(id, e);
	if (err == ERR_OK)
		id->kind = geteuid() == 0 ? IDENTITY_ANOTHER : IDENTITY_OURS;
	return err;
}

void identity_nobody(struct identity *id)
{
	const struct passwd *p = getpwnam("nobody");

	*id = (struct identity){ .kind = IDENTITY_ANOTHER, .uid = NOBODY, .gid = NOBODY };
	if (p != NULL) {
		id->uid = p->pw_uid;
		id->gid = p->pw_gid;
	}
}

const char *identity_name(const struct identity *id)
{
	return id->user[0] != '\0' ? id->user : "nobody";
}

static int set_groups(const struct identity *id)
{
	return id->user[0] != '\0' ? initgroups(id->user, id->gid) : setgroups(0, NULL);
}

enum err identity_assume(const struct identity *id, struct error *e)
{
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); /* for good: no setuid program helps out */
	if (id->kind != IDENTITY_ANOTHER)
		return ERR_OK;
	if (set_groups(id) != 0 || setgid(id->gid) != 0 || setuid(id->uid) != 0)
		return err_sys(e, errno, "cannot become user '%s'", id->user);
	if (id->uid != 0 && setuid(0) == 0)
		return err_set(e, ERR_SYSTEM, "root rights did not go away");
#if !CC_ASAN /* the leak check traces its own process */
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
	child_die_with_parent();
	return ERR_OK;
}

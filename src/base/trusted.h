/*
 * Opening by a path as root, where others may write to a folder on the way: their links are not
 * followed (CWE-59). A symbolic link counts only when root owns it, and when it lies in a folder,
 * below folders, that root owns and in which nobody else may replace it (a sticky folder such as
 * /tmp will do). So /var/log may be a link of the administrator's, and /dev/stderr works, but a
 * link in a folder of the config's `user` is refused. A process that is not root opens as usual: it
 * has no rights that others could borrow.
 */
#ifndef NEAP_BASE_TRUSTED_H
#define NEAP_BASE_TRUSTED_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

/* Who may change what is in a folder, and on the way to it. */
enum trust {
	TRUST_NONE,   /* others than root */
	TRUST_STICKY, /* others may add files, and change their own only */
	TRUST_FULL,   /* root alone */
};

/* Where a path leads: a folder, and a name in it. */
struct trusted {
	int folder; /* O_PATH; -1: none */
	char name[NAME_MAX + 1];
	enum trust trust; /* of the folder */
	bool is_magic;	  /* the name is a link of the kernel's (/proc/self/fd/2) */
};

/*
 * Finds the folder of PATH: all links on the way are resolved, but the last name is not looked at.
 * For callers that make, change or remove something of that name. False with errno: ELOOP for a
 * link that is not to be trusted. The caller ends it with trusted_close.
 */
bool trusted_folder(struct trusted *t, const char *path);
void trusted_close(struct trusted *t); /* harmless without a folder */

/*
 * open(2), closed on exec. As root: ELOOP for a link that is not to be trusted; EMLINK when others
 * may write to the folder and the file is no file of its own there (it has several hard links, or
 * is a device).
 */
int trusted_open(const char *path, int flags, mode_t mode);

/* errno of the above in words: what to do about ELOOP and EMLINK, else as strerror. */
const char *trusted_text(int sys);

#endif

#include "net/unix_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/trusted.h"
#include "net/sock.h"

static bool has_file(const struct addr *a)
{
	return addr_is_unix(a) && a->u.un.sun_path[0] != '\0';
}

static bool fail_with(int sys)
{
	errno = sys;
	return false;
}

/* True when nothing is there (any more). A connect finds out whether somebody listens. */
static bool clear_place(const struct trusted *t, const struct addr *a)
{
	struct stat st;

	if (fstatat(t->folder, t->name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT;
	if (!S_ISSOCK(st.st_mode))
		return fail_with(ENOTSOCK);
	int fd = sock_connect_start(a);
	if (fd >= 0) {
		(void)close(fd); /* nothing was said */
		return fail_with(EADDRINUSE);
	}
	if (errno != ECONNREFUSED)
		return fail_with(errno == EAGAIN ? EADDRINUSE : errno);
	return unlinkat(t->folder, t->name, 0) == 0 || errno == ENOENT;
}

/*
 * bind goes by path. Where others could exchange a folder on the way meanwhile, the path begins at
 * the folder that was found.
 */
static bool set_found_path(struct addr *to, const struct trusted *t)
{
	struct sockaddr_un *un = &to->u.un;

	if (geteuid() != 0 || t->trust != TRUST_NONE)
		return true;
	int n = snprintf(un->sun_path, sizeof(un->sun_path), "/proc/self/fd/%d/%s", t->folder,
			 t->name);
	to->len = sizeof(*un);
	return n < (int)sizeof(un->sun_path) || fail_with(ENAMETOOLONG);
}

/* Executing a socket means nothing. */
static bool bind_plain(int fd, const struct addr *a)
{
	mode_t before = umask(S_IXUSR | S_IXGRP | S_IXOTH);

	(void)umask(before | S_IXUSR | S_IXGRP | S_IXOTH);
	bool is_bound = bind(fd, &a->u.sa, a->len) == 0;
	(void)umask(before);
	return is_bound;
}

bool unix_file_bind(int fd, const struct addr *a)
{
	struct addr to = *a;
	struct trusted t;

	if (!has_file(a))
		return bind_plain(fd, a);
	if (!trusted_folder(&t, a->u.un.sun_path))
		return false;
	bool is_bound = clear_place(&t, a) && set_found_path(&to, &t) && bind_plain(fd, &to);
	trusted_close(&t);
	return is_bound;
}

/* A socket of this process's user, with one name: -1 if it is none. */
static int open_own(const struct addr *a, struct trusted *t, struct stat *st)
{
	t->folder = -1;
	if (!has_file(a) || !trusted_folder(t, a->u.un.sun_path))
		return -1;
	int fd = openat(t->folder, t->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (fstat(fd, st) == 0 && S_ISSOCK(st->st_mode) && st->st_uid == geteuid() &&
	    st->st_nlink == 1)
		return fd;
	(void)close(fd); /* only looked at */
	errno = EPERM;
	return -1;
}

void unix_file_note(struct unix_file *f, const struct addr *a)
{
	struct trusted t;
	struct stat st;
	int fd = open_own(a, &t, &st);

	*f = (struct unix_file){ .ino = 0 };
	if (fd >= 0) {
		*f = (struct unix_file){ .dev = st.st_dev, .ino = st.st_ino };
		(void)close(fd); /* only looked at */
	}
	trusted_close(&t);
}

/* fchmod does not take O_PATH, but the kernel's link to the descriptor leads to the same file. */
static bool give_fd(int fd, gid_t group, mode_t mode)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return (group == (gid_t)-1 || fchownat(fd, "", (uid_t)-1, group, AT_EMPTY_PATH) == 0) &&
	       chmod(path, mode) == 0;
}

bool unix_file_give(const struct addr *a, gid_t group, mode_t mode)
{
	struct trusted t;
	struct stat st;

	if (!has_file(a))
		return true;
	int fd = open_own(a, &t, &st);
	bool is_given = fd >= 0 && give_fd(fd, group, mode);
	int sys = errno;
	if (fd >= 0)
		(void)close(fd); /* only looked at */
	trusted_close(&t);
	errno = sys;
	return is_given;
}

void unix_file_remove(const struct unix_file *f, const struct addr *a)
{
	struct trusted t;
	struct stat st;
	int fd = f->ino == 0 ? -1 : open_own(a, &t, &st);

	if (fd < 0 && f->ino == 0)
		return;
	if (fd >= 0 && st.st_dev == f->dev && st.st_ino == f->ino)
		(void)unlinkat(t.folder, t.name, 0); /* a stale one does no harm */
	if (fd >= 0)
		(void)close(fd); /* only looked at */
	trusted_close(&t);
}

#include "base/trusted.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/str.h"

enum { LINKS_MAX = 40, FOLDER_FLAGS = O_PATH | O_DIRECTORY | O_CLOEXEC };

/* The way that is left, and how many links led there. */
struct way {
	char rest[PATH_MAX];
	unsigned links;
	bool keeps_last; /* the last name is not resolved */
};

static bool set_errno(int sys)
{
	errno = sys;
	return false;
}

static enum trust trust_of(int folder)
{
	struct stat st;

	if (fstat(folder, &st) != 0 || st.st_uid != 0)
		return TRUST_NONE;
	if ((st.st_mode & S_IWOTH) == 0 && ((st.st_mode & S_IWGRP) == 0 || st.st_gid == 0))
		return TRUST_FULL;
	return (st.st_mode & S_ISVTX) != 0 ? TRUST_STICKY : TRUST_NONE;
}

static bool is_kernels(int folder)
{
	struct statfs fs;

	return fstatfs(folder, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC;
}

void trusted_close(struct trusted *t)
{
	int sys = errno; /* the caller may still want it */

	if (t->folder >= 0)
		(void)close(t->folder);
	t->folder = -1;
	errno = sys;
}

static bool enter_dir(struct trusted *t, int folder)
{
	if (folder < 0)
		return false;
	trusted_close(t);
	t->folder = folder;
	if (t->trust != TRUST_NONE)
		t->trust = trust_of(folder);
	return true;
}

static bool start_way(struct trusted *t, const char *path)
{
	t->trust = TRUST_FULL;
	return enter_dir(t, open(path[0] == '/' ? "/" : ".", FOLDER_FLAGS));
}

/* Takes the next name out of the way. */
static bool next_name(struct trusted *t, struct way *w)
{
	const char *start = w->rest + strspn(w->rest, "/");
	size_t n = strcspn(start, "/");

	if (n == 0)
		return set_errno(EISDIR);
	if (!str_copy(t->name, sizeof(t->name), (struct str){ start, n }))
		return set_errno(ENAMETOOLONG);
	memmove(w->rest, start + n, strlen(start + n) + 1);
	return true;
}

/* The link's text takes the place of its name. */
static bool follow_link(struct trusted *t, struct way *w, int link, uid_t owner)
{
	char text[PATH_MAX];
	ssize_t n = readlinkat(link, "", text, sizeof(text));
	bool is_trusted = geteuid() != 0 || (t->trust != TRUST_NONE && owner == 0);

	if (!is_trusted || ++w->links > LINKS_MAX)
		return set_errno(ELOOP);
	if (n <= 0)
		return set_errno(n == 0 ? ENOENT : errno);
	if ((size_t)n + strlen(w->rest) >= sizeof(w->rest))
		return set_errno(ENAMETOOLONG);
	memmove(w->rest + n, w->rest, strlen(w->rest) + 1);
	memcpy(w->rest, text, (size_t)n);
	return text[0] != '/' || start_way(t, "/");
}

/* What became of one name of the way. */
enum step { STEP_ON, STEP_THERE, STEP_FAILED };

/* FD is what the name stands for, opened by O_PATH. */
static enum step pass_name(struct trusted *t, struct way *w, int fd)
{
	bool is_last = w->rest[strspn(w->rest, "/")] == '\0';
	struct stat st;

	if (is_last && w->keeps_last)
		return STEP_THERE;
	if (fstat(fd, &st) != 0)
		return STEP_FAILED;
	t->is_magic = S_ISLNK(st.st_mode) && is_kernels(t->folder);
	if (S_ISLNK(st.st_mode) && !t->is_magic)
		return follow_link(t, w, fd, st.st_uid) ? STEP_ON : STEP_FAILED;
	if (is_last)
		return STEP_THERE;
	return enter_dir(t,
			 openat(t->folder, t->name, FOLDER_FLAGS | (t->is_magic ? 0 : O_NOFOLLOW)))
		       ? STEP_ON
		       : STEP_FAILED;
}

static enum step walk_step(struct trusted *t, struct way *w)
{
	if (!next_name(t, w))
		return STEP_FAILED;
	int fd = openat(t->folder, t->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) /* the last one may not be there yet */
		return errno == ENOENT && w->rest[0] == '\0' ? STEP_THERE : STEP_FAILED;
	enum step s = pass_name(t, w, fd);
	int sys = errno;
	(void)close(fd); /* only looked at */
	errno = sys;
	return s;
}

static bool resolve_path(struct trusted *t, const char *path, bool keeps_last)
{
	struct way w = { .keeps_last = keeps_last };
	enum step s = STEP_ON;

	*t = (struct trusted){ .folder = -1 };
	if (path[0] == '\0')
		return set_errno(ENOENT);
	if (!str_copy(w.rest, sizeof(w.rest), str_of(path)))
		return set_errno(ENAMETOOLONG);
	if (!start_way(t, path))
		return false;
	while (s == STEP_ON)
		s = walk_step(t, &w);
	if (s == STEP_FAILED)
		trusted_close(t);
	return s == STEP_THERE;
}

bool trusted_folder(struct trusted *t, const char *path)
{
	return resolve_path(t, path, true);
}

/* Neither a second name of a file elsewhere nor a device belongs to the folder alone. */
static bool is_plain_file(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 &&
	       (S_ISFIFO(st.st_mode) || (S_ISREG(st.st_mode) && st.st_nlink == 1));
}

int trusted_open(const char *path, int flags, mode_t mode)
{
	struct trusted t;

	flags |= O_CLOEXEC;
	if (geteuid() != 0)
		return open(path, flags, mode);
	if (!resolve_path(&t, path, false))
		return -1;
	int fd = openat(t.folder, t.name, flags | (t.is_magic ? 0 : O_NOFOLLOW), mode);
	trusted_close(&t);
	if (fd < 0 || t.is_magic || t.trust == TRUST_FULL || is_plain_file(fd))
		return fd;
	(void)close(fd); /* nothing was written */
	errno = EMLINK;
	return -1;
}

const char *trusted_text(int sys)
{
	if (sys == ELOOP)
		return "a symbolic link in a folder that others may write to is not followed by "
		       "root; name the real path, or give the folder to root";
	if (sys == EMLINK)
		return "others may write to its folder, and it is no plain file with this one "
		       "name; remove it, or give the folder to root";
	return strerror(sys);
}

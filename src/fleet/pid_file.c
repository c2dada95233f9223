#include "fleet/pid_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "base/trusted.h"

/* A record lock: children do not inherit it, and the kernel tells who has it. */
static enum err lock(const struct pid_file *p, struct error *e)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(p->fd, F_SETLK, &l) == 0)
		return ERR_OK;
	if (errno != EAGAIN && errno != EACCES)
		return err_sys(e, errno, "pid file %s: cannot lock it", p->path);
	if (fcntl(p->fd, F_GETLK, &l) == 0 && l.l_type != F_UNLCK)
		return err_set(e, ERR_LIMIT, "pid file %s: neap runs already, as pid %ld", p->path,
			       (long)l.l_pid);
	return err_set(e, ERR_LIMIT, "pid file %s: neap runs already", p->path);
}

/* Does the name still stand for our file? Another instance may have made its own. */
static bool is_there(const struct pid_file *p, const struct trusted *t)
{
	struct stat ours, there;

	return fstat(p->fd, &ours) == 0 &&
	       fstatat(t->folder, t->name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
	       there.st_ino == ours.st_ino && there.st_dev == ours.st_dev;
}

static enum err check_ours(const struct pid_file *p, const struct trusted *t, struct error *e)
{
	struct stat ours;

	if (fstat(p->fd, &ours) != 0)
		return err_sys(e, errno, "pid file %s", p->path);
	if (!S_ISREG(ours.st_mode) || ours.st_uid != geteuid() || ours.st_nlink > 1)
		return err_set(e, ERR_INVALID, "pid file %s: not a file that neap made", p->path);
	if (!is_there(p, t))
		return err_set(e, ERR_GONE, "pid file %s: changed while neap started", p->path);
	return ERR_OK;
}

/* Somebody may have written another pid into our file. */
static bool names_us(const struct pid_file *p)
{
	char text[24];
	ssize_t n = pread(p->fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return strtol(text, NULL, 10) == (long)getpid();
}

static enum err write_pid(const struct pid_file *p, struct error *e)
{
	char text[24];
	int n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());

	if (ftruncate(p->fd, 0) != 0 || pwrite(p->fd, text, (size_t)n, 0) != n)
		return err_sys(e, errno, "pid file %s: cannot write it", p->path);
	return ERR_OK;
}

static enum err open_in(struct pid_file *p, const struct trusted *t, struct error *e)
{
	p->fd = openat(t->folder, t->name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK,
		       0644);
	if (p->fd >= 0)
		return ERR_OK;
	if (errno == ELOOP)
		return err_set(e, ERR_INVALID, "pid file %s: is a symbolic link", p->path);
	return err_sys(e, errno, "pid file %s: cannot open it", p->path);
}

void pid_file_release(struct pid_file *p)
{
	if (p->fd >= 0)
		(void)close(p->fd); /* this unlocks it */
	p->fd = -1;
}

enum err pid_file_open(struct pid_file *p, const char *path, struct error *e)
{
	struct trusted t;

	p->fd = -1;
	if (!str_copy(p->path, sizeof(p->path), str_of(path)))
		return err_set(e, ERR_LIMIT, "pid file: too long a path: %s", path);
	if (!trusted_folder(&t, path))
		return err_set(e, ERR_SYSTEM, "pid file %s: cannot open it: %s", path,
			       trusted_text(errno));
	enum err err = open_in(p, &t, e);
	if (err == ERR_OK)
		err = lock(p, e);
	if (err == ERR_OK)
		err = check_ours(p, &t, e);
	if (err == ERR_OK)
		err = write_pid(p, e);
	trusted_close(&t);
	if (err != ERR_OK)
		pid_file_release(p);
	return err;
}

void pid_file_close(struct pid_file *p)
{
	struct trusted t;

	if (p->fd >= 0 && trusted_folder(&t, p->path)) {
		if (is_there(p, &t) && names_us(p))
			(void)unlinkat(t.folder, t.name, 0); /* a stale one does no harm */
		trusted_close(&t);
	}
	pid_file_release(p);
}

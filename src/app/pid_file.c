#include "app/pid_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"

/* A record lock: it is not inherited by children, and its holder can be asked for. */
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

/* Also that the path still names what we hold: the former instance takes it away when it ends. */
static enum err check_file(const struct pid_file *p, struct error *e)
{
	struct stat ours, there;

	if (fstat(p->fd, &ours) != 0)
		return err_sys(e, errno, "pid file %s", p->path);
	if (!S_ISREG(ours.st_mode) || ours.st_uid != geteuid() || ours.st_nlink > 1)
		return err_set(e, ERR_INVALID, "pid file %s: not a file that neap made", p->path);
	if (lstat(p->path, &there) != 0 || there.st_ino != ours.st_ino ||
	    there.st_dev != ours.st_dev)
		return err_set(e, ERR_GONE, "pid file %s: changed while neap started", p->path);
	return ERR_OK;
}

static enum err write_pid(const struct pid_file *p, struct error *e)
{
	char text[24];
	int n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());

	if (ftruncate(p->fd, 0) != 0 || pwrite(p->fd, text, (size_t)n, 0) != n)
		return err_sys(e, errno, "pid file %s: cannot write it", p->path);
	return ERR_OK;
}

enum err pid_file_open(struct pid_file *p, const char *path, struct error *e)
{
	p->fd = -1;
	if (!str_copy(p->path, sizeof(p->path), str_of(path)))
		return err_set(e, ERR_LIMIT, "pid file: too long a path: %s", path);
	p->fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0644);
	if (p->fd < 0 && errno == ELOOP)
		return err_set(e, ERR_INVALID, "pid file %s: is a symbolic link", path);
	if (p->fd < 0)
		return err_sys(e, errno, "pid file %s: cannot open it", path);
	enum err err = lock(p, e);
	if (err == ERR_OK)
		err = check_file(p, e);
	if (err == ERR_OK)
		err = write_pid(p, e);
	if (err != ERR_OK) {
		(void)close(p->fd);
		p->fd = -1;
	}
	return err;
}

void pid_file_release(struct pid_file *p)
{
	if (p->fd >= 0)
		(void)close(p->fd); /* and with it the lock */
	p->fd = -1;
}

void pid_file_close(struct pid_file *p)
{
	if (p->fd >= 0)
		(void)unlink(p->path);
	pid_file_release(p);
}

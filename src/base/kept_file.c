#include "base/kept_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static bool write_all(int fd, struct str bytes)
{
	while (bytes.n > 0) {
		ssize_t done = write(fd, bytes.p, bytes.n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return false;
		bytes.p += done;
		bytes.n -= (size_t)done;
	}
	return fsync(fd) == 0;
}

/* The folder that the path is in; false: its name is too long. */
static bool folder_of(const char *path, char folder[PATH_MAX])
{
	const char *slash = strrchr(path, '/');
	struct str name = slash == NULL ? STR(".")
					: (struct str){ path, (size_t)(slash - path) + 1 };

	return str_copy(folder, PATH_MAX, name);
}

/* The new name is on the disk after this. A folder that cannot be opened is let be. */
static void sync_folder(const char *path)
{
	char folder[PATH_MAX];

	if (!folder_of(path, folder))
		return;
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	(void)fsync(fd); /* some file systems cannot, and need not */
	(void)close(fd); /* only read from */
}

/* The temporary file: nobody's link, and never an old one's rights. */
static int open_new(const char *path)
{
	int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	int fd = open(path, flags, 0600);

	if (fd < 0 && errno == EEXIST && unlink(path) == 0)
		fd = open(path, flags, 0600);
	return fd;
}

enum err kept_file_write(const char *path, struct str bytes, struct error *e)
{
	char temporary[PATH_MAX];
	int n = snprintf(temporary, sizeof(temporary), "%s.new", path);

	if (n < 0 || (size_t)n >= sizeof(temporary))
		return err_set(e, ERR_LIMIT, "%s: the path is too long", path);
	int fd = open_new(temporary);
	if (fd < 0)
		return err_sys(e, errno, "%s: cannot be made", temporary);
	bool is_fine = write_all(fd, bytes);
	int failure = errno;
	if (close(fd) != 0 && is_fine) {
		failure = errno;
		is_fine = false;
	}
	if (is_fine && rename(temporary, path) != 0) {
		failure = errno;
		is_fine = false;
	}
	if (is_fine) {
		sync_folder(path);
		return ERR_OK;
	}
	(void)unlink(temporary); /* the error is reported either way */
	return err_sys(e, failure, "%s: cannot be written", path);
}

static enum err read_open(int fd, const char *path, struct out *out, struct error *e)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return err_sys(e, errno, "%s: cannot be read", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_INVALID, "%s: this is not a regular file", path);
	for (;;) {
		char piece[4096];
		ssize_t n = read(fd, piece, sizeof(piece));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, errno, "%s: cannot be read", path);
		if (n == 0)
			return ERR_OK;
		out_str(out, (struct str){ piece, (size_t)n });
		if (out->full)
			return err_set(e, ERR_LIMIT, "%s: it is larger than %zu bytes", path,
				       out->cap);
	}
}

enum err kept_file_read(const char *path, struct out *out, struct error *e)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? err_set(e, ERR_GONE, "%s: there is no such file", path)
				       : err_sys(e, errno, "%s: cannot be opened", path);
	enum err err = read_open(fd, path, out, e);
	(void)close(fd); /* only read from */
	return err;
}

enum err kept_file_folder(const char *path, struct error *e)
{
	struct stat st;

	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return err_sys(e, errno, "%s: the folder cannot be made", path);
	if (stat(path, &st) != 0)
		return err_sys(e, errno, "%s: cannot be looked at", path);
	if (!S_ISDIR(st.st_mode))
		return err_set(e, ERR_INVALID, "%s: this is not a folder", path);
	if (access(path, R_OK | W_OK | X_OK) != 0)
		return err_sys(e, errno, "%s: files cannot be made in this folder", path);
	return ERR_OK;
}

enum err kept_file_look(const char *path, struct error *e)
{
	char name[PATH_MAX], folder[PATH_MAX];
	size_t n = strlen(path);

	while (n > 1 && path[n - 1] == '/')
		n--;
	if (!str_copy(name, sizeof(name), (struct str){ path, n }) || !folder_of(name, folder))
		return err_set(e, ERR_LIMIT, "%s: the path is too long", path);
	bool is_there = faccessat(AT_FDCWD, name, F_OK, AT_EACCESS) == 0;
	const char *wanted = is_there ? name : folder;
	if (faccessat(AT_FDCWD, wanted, W_OK | X_OK, AT_EACCESS) != 0)
		return err_sys(e, errno, "files cannot be made in %s", wanted);
	return ERR_OK;
}

#include "script/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/list.h"
#include "base/log.h"

/*
 * On the memfd: the mark, then entries, each a header and the bytes of its path and of its data.
 * The reader copies rather than maps: a file that somebody cuts short under a mapping kills who
 * reads it.
 */
static const char mark[8] = "NEAPFIL1";

enum {
	FILE_BYTES_MAX = 16 * 1024 * 1024,
	BUNDLE_BYTES_MAX = 256 * 1024 * 1024,
	PATH_BYTES_MAX = 4096,
};

struct entry_header {
	uint32_t path_n, data_n;
};

struct entry {
	struct list link;
	struct str path, data; /* both behind the struct, each with a zero behind */
};

struct bundle {
	struct list entries;
	int memfd;
	bool is_filling;
	const char *user; /* who opens files; NULL: who started neap */
	size_t bytes;	  /* on the memfd, or what they would be */
};

static struct entry *entry_create(size_t path_n, size_t data_n)
{
	struct entry *entry = malloc(sizeof(*entry) + path_n + data_n + 2);
	if (entry == NULL)
		return NULL;
	list_init(&entry->link);
	char *bytes = (char *)(entry + 1);
	bytes[path_n] = '\0';
	bytes[path_n + 1 + data_n] = '\0';
	entry->path = (struct str){ bytes, path_n };
	entry->data = (struct str){ bytes + path_n + 1, data_n };
	return entry;
}

/* The bytes of an entry that is still being made. */
static char *entry_path(struct entry *entry)
{
	return (char *)(entry + 1);
}

static char *entry_data(struct entry *entry)
{
	return entry_path(entry) + entry->path.n + 1;
}

static struct entry *find(const struct bundle *b, struct str path)
{
	for (struct list *l = b->entries.next; l != &b->entries; l = l->next) {
		struct entry *entry = container_of(l, struct entry, link);
		if (str_eq(entry->path, path))
			return entry;
	}
	return NULL;
}

static enum err write_at(int fd, size_t at, const void *bytes, size_t n, struct error *e)
{
	const char *p = bytes;

	while (n > 0) {
		ssize_t done = pwrite(fd, p, n, (off_t)at);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return err_sys(e, done < 0 ? errno : EIO, "keep a file for the workers");
		p += done;
		at += (size_t)done;
		n -= (size_t)done;
	}
	return ERR_OK;
}

/* Exactly n bytes; fewer are an error. */
static enum err read_at(int fd, size_t at, void *to, size_t n, struct error *e)
{
	char *p = to;

	while (n > 0) {
		ssize_t done = pread(fd, p, n, (off_t)at);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return err_sys(e, errno, "cannot be read");
		if (done == 0)
			return err_set(e, ERR_INVALID, "the file ends too early");
		p += done;
		at += (size_t)done;
		n -= (size_t)done;
	}
	return ERR_OK;
}

static enum err append(struct bundle *b, const struct entry *entry, struct error *e)
{
	struct entry_header header = { (uint32_t)entry->path.n, (uint32_t)entry->data.n };
	size_t at = b->bytes, n = sizeof(header) + entry->path.n + entry->data.n;

	if (n > BUNDLE_BYTES_MAX - at)
		return err_set(e, ERR_LIMIT, "%s: config and Lua files exceed %d bytes in total",
			       entry->path.p, BUNDLE_BYTES_MAX);
	if (b->memfd >= 0) {
		enum err err = write_at(b->memfd, at, &header, sizeof(header), e);
		if (err == ERR_OK)
			err = write_at(b->memfd, at + sizeof(header), entry->path.p, entry->path.n,
				       e);
		if (err == ERR_OK)
			err = write_at(b->memfd, at + sizeof(header) + entry->path.n, entry->data.p,
				       entry->data.n, e);
		if (err != ERR_OK) {
			(void)ftruncate(b->memfd, (off_t)at); /* the error is reported either way */
			return err;
		}
	}
	b->bytes = at + n;
	return ERR_OK;
}

/* Takes entry, whether it succeeds or not. */
static enum err keep(struct bundle *b, struct entry *entry, struct error *e)
{
	enum err err = append(b, entry, e);
	if (err != ERR_OK) {
		free(entry);
		return err;
	}
	list_append(&b->entries, &entry->link);
	return ERR_OK;
}

enum err bundle_create(struct bundle **b, int memfd, struct error *e)
{
	struct bundle *made = calloc(1, sizeof(*made));
	if (made == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	list_init(&made->entries);
	made->memfd = memfd;
	made->is_filling = true;
	made->bytes = sizeof(mark);
	if (memfd >= 0) {
		enum err err = ERR_OK;
		if (ftruncate(memfd, 0) != 0)
			err = err_sys(e, errno, "empty the memory for kept files");
		else
			err = write_at(memfd, 0, mark, sizeof(mark), e);
		if (err != ERR_OK) {
			free(made);
			return err;
		}
	}
	*b = made;
	return ERR_OK;
}

/* The entry at b->bytes; moves on behind it. */
static enum err load_entry(struct bundle *b, size_t size, struct error *e)
{
	struct entry_header header;
	size_t at = b->bytes;

	enum err err = read_at(b->memfd, at, &header, sizeof(header), e);
	if (err != ERR_OK)
		return err;
	at += sizeof(header);
	if (header.path_n == 0 || header.path_n > PATH_BYTES_MAX ||
	    header.data_n > FILE_BYTES_MAX || (size_t)header.path_n + header.data_n > size - at)
		return err_set(e, ERR_INVALID, "the kept files are damaged at byte %zu", b->bytes);
	struct entry *entry = entry_create(header.path_n, header.data_n);
	if (entry == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	err = read_at(b->memfd, at, entry_path(entry), header.path_n, e);
	if (err == ERR_OK)
		err = read_at(b->memfd, at + header.path_n, entry_data(entry), header.data_n, e);
	if (err == ERR_OK && memchr(entry->path.p, '\0', entry->path.n) != NULL)
		err = err_set(e, ERR_INVALID, "the kept files have a path with a zero byte");
	if (err != ERR_OK) {
		free(entry);
		return err;
	}
	list_append(&b->entries, &entry->link);
	b->bytes = at + header.path_n + header.data_n;
	return ERR_OK;
}

static enum err load_all(struct bundle *b, struct error *e)
{
	char found[sizeof(mark)];
	struct stat st;

	if (fstat(b->memfd, &st) != 0)
		return err_sys(e, errno, "cannot be read");
	if (st.st_size < 0 || st.st_size > BUNDLE_BYTES_MAX)
		return err_set(e, ERR_LIMIT, "the kept files are larger than %d bytes",
			       BUNDLE_BYTES_MAX);
	size_t size = (size_t)st.st_size;
	enum err err = read_at(b->memfd, 0, found, sizeof(found), e);
	if (err == ERR_OK && memcmp(found, mark, sizeof(mark)) != 0)
		err = err_set(e, ERR_INVALID, "the kept files do not begin with their mark");
	b->bytes = sizeof(mark);
	while (err == ERR_OK && b->bytes < size) {
		if (size - b->bytes < sizeof(struct entry_header))
			return err_set(e, ERR_INVALID, "the file ends too early");
		err = load_entry(b, size, e);
	}
	return err;
}

enum err bundle_open(struct bundle **b, int memfd, struct error *e)
{
	struct bundle *made = calloc(1, sizeof(*made));
	if (made == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	list_init(&made->entries);
	made->memfd = memfd;
	enum err err = load_all(made, e);
	if (err != ERR_OK) {
		bundle_destroy(made);
		return err;
	}
	*b = made;
	return ERR_OK;
}

void bundle_destroy(struct bundle *b)
{
	if (b == NULL)
		return;
	struct list *first;
	while ((first = list_first(&b->entries)) != NULL) {
		list_remove(first);
		free(container_of(first, struct entry, link));
	}
	free(b);
}

/* Who may write to the folder may put another file there. */
static bool is_in_open_folder(const char *path)
{
	char folder[PATH_BYTES_MAX + 1];
	struct stat st;
	const char *slash = strrchr(path, '/');

	if (!str_copy(folder, sizeof(folder),
		      slash == NULL ? STR(".") : (struct str){ path, (size_t)(slash - path) + 1 }))
		return false;
	return stat(folder, &st) == 0 && (st.st_mode & S_IWOTH) != 0 && (st.st_mode & S_ISVTX) == 0;
}

/* Only regular files: a folder has no bytes, a pipe or device may never end. */
static enum err check_file(const char *path, const struct stat *st, struct error *e)
{
	if (S_ISDIR(st->st_mode))
		return err_set(e, ERR_INVALID, "%s: this is a folder, not a file", path);
	if (!S_ISREG(st->st_mode))
		return err_set(e, ERR_INVALID, "%s: this is not a regular file", path);
	if (st->st_size > FILE_BYTES_MAX)
		return err_set(e, ERR_LIMIT, "%s: the file is larger than %d bytes", path,
			       FILE_BYTES_MAX);
	if ((st->st_mode & S_IWOTH) != 0)
		log_warn("%s: anybody may write to this file, and what it says runs here", path);
	else if (is_in_open_folder(path))
		log_warn("%s: anybody may replace this file, as its folder is open to all, and "
			 "what it says runs here",
			 path);
	return ERR_OK;
}

/*
 * The whole open file as an entry; one that shrinks meanwhile is an error, what grows is cut at its
 * first size.
 */
static enum err entry_of_fd(int fd, const char *path, struct entry **entry, struct error *e)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return err_sys(e, errno, "%s: cannot be read", path);
	enum err err = check_file(path, &st, e);
	if (err != ERR_OK)
		return err;
	struct entry *made = entry_create(strlen(path), (size_t)st.st_size);
	if (made == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	memcpy(entry_path(made), path, made->path.n);
	err = read_at(fd, 0, entry_data(made), made->data.n, e);
	if (err != ERR_OK) {
		(void)err_set(e, err, "%s: %s", path, e != NULL ? e->text : "");
		free(made);
		return err;
	}
	*entry = made;
	return ERR_OK;
}

void bundle_set_user(struct bundle *b, const char *user)
{
	b->user = user;
}

static enum err cannot_open(const struct bundle *b, const char *path, int sys, struct error *e)
{
	if (b->user != NULL && sys == EACCES)
		return err_sys(e, sys, "%s: cannot be opened by user '%s'", path, b->user);
	return err_sys(e, sys, "%s: cannot be opened", path);
}

enum err bundle_read(struct bundle *b, const char *path, struct str *bytes, struct error *e)
{
	struct entry *entry = find(b, str_of(path));

	if (entry == NULL) {
		if (!b->is_filling)
			return err_set(e, ERR_GONE,
				       "was not read when this configuration was loaded");
		if (path[0] == '\0' || strlen(path) > PATH_BYTES_MAX)
			return err_set(e, ERR_INVALID, "is no path of 1 to %d bytes",
				       PATH_BYTES_MAX);
		/* not to hang on a pipe that nobody writes to */
		int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
		if (fd < 0)
			return cannot_open(b, path, errno, e);
		enum err err = entry_of_fd(fd, path, &entry, e);
		(void)close(fd); /* only read from */
		if (err == ERR_OK)
			err = keep(b, entry, e);
		if (err != ERR_OK)
			return err;
	}
	*bytes = entry->data;
	return ERR_OK;
}

enum err bundle_put(struct bundle *b, const char *path, struct str bytes, struct error *e)
{
	struct str name = str_of(path);

	if (!b->is_filling || find(b, name) != NULL)
		return err_set(e, ERR_INVALID, "%s is kept already", path);
	if (name.n == 0 || name.n > PATH_BYTES_MAX || bytes.n > FILE_BYTES_MAX)
		return err_set(e, ERR_LIMIT, "%s: too long to be kept", path);
	struct entry *entry = entry_create(name.n, bytes.n);
	if (entry == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	memcpy(entry_path(entry), name.p, name.n);
	if (bytes.n > 0)
		memcpy(entry_data(entry), bytes.p, bytes.n);
	return keep(b, entry, e);
}

void bundle_each(const struct bundle *b, void (*fn)(void *ctx, const char *path, struct str bytes),
		 void *ctx)
{
	for (struct list *l = b->entries.next; l != &b->entries; l = l->next) {
		const struct entry *entry = container_of(l, struct entry, link);
		fn(ctx, entry->path.p, entry->data);
	}
}

bool bundle_has(struct bundle *b, const char *path)
{
	struct stat st;

	if (find(b, str_of(path)) != NULL)
		return true;
	return b->is_filling && stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

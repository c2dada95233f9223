#include "conf/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/dice.h"
#include "base/fnv.h"
#include "base/list.h"
#include "base/log.h"
#include "base/trusted.h"
#include "conf/folder.h"

/*
 * On the memfd: the mark, then entries, each a header and the bytes of its path and of its data.
 * The reader copies instead of mapping: a file that somebody shortens while it is mapped kills the
 * process that reads it.
 */
static const char mark[8] = "NEAPFIL1";

enum {
	FILE_BYTES_MAX = 16 * 1024 * 1024,
	BUNDLE_BYTES_MAX = 256 * 1024 * 1024,
	PATH_BYTES_MAX = 4096,
	SLOTS = 64, /* at first */
};

struct entry_header {
	uint32_t path_n, data_n;
};

struct entry {
	struct list link;
	struct entry *next;    /* in its slot */
	uint64_t hash;	       /* of the path */
	struct str path, data; /* both after the struct, zero terminated */
	bool is_exposed;       /* a secret that everybody on the machine may read */
};

struct bundle {
	struct list entries;  /* in the order in which they were read */
	struct entry **slots; /* the same by hash; slots_n is a power of 2 */
	size_t slots_n, entries_n;
	int memfd;
	bool is_filling;
	const char *user; /* whose rights open files; NULL: the user that started neap */
	struct bundle_lender lender;
	size_t bytes; /* on the memfd, or what they would be */
};

static struct entry *entry_create(size_t path_n, size_t data_n)
{
	struct entry *entry = malloc(sizeof(*entry) + path_n + data_n + 2);
	if (entry == NULL)
		return NULL;
	list_init(&entry->link);
	entry->is_exposed = false;
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

static uint64_t hash_path(struct str path)
{
	return dice_spread(fnv_add(fnv_start, path.p, path.n));
}

static struct entry **slot_of(struct entry **slots, size_t slots_n, uint64_t hash)
{
	return &slots[hash & (slots_n - 1)];
}

static struct entry *find_entry(const struct bundle *b, struct str path)
{
	uint64_t hash = hash_path(path);
	struct entry *entry = *slot_of(b->slots, b->slots_n, hash);

	while (entry != NULL && (entry->hash != hash || !str_eq(entry->path, path)))
		entry = entry->next;
	return entry;
}

static void put_in_slot(struct entry **slots, size_t slots_n, struct entry *entry)
{
	struct entry **slot = slot_of(slots, slots_n, entry->hash);

	entry->next = *slot;
	*slot = entry;
}

/* Without memory the slots stay as they are, only slower. */
static void double_slots(struct bundle *b)
{
	size_t slots_n = 2 * b->slots_n;
	struct entry **slots = calloc(slots_n, sizeof(struct entry *));

	if (slots == NULL)
		return;
	for (struct list *l = b->entries.next; l != &b->entries; l = l->next)
		put_in_slot(slots, slots_n, container_of(l, struct entry, link));
	free(b->slots);
	b->slots = slots;
	b->slots_n = slots_n;
}

/* Takes over the entry, whose path is whole. */
static void link_entry(struct bundle *b, struct entry *entry)
{
	if (b->entries_n++ == b->slots_n)
		double_slots(b);
	entry->hash = hash_path(entry->path);
	put_in_slot(b->slots, b->slots_n, entry);
	list_append(&b->entries, &entry->link);
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

static enum err append_entry(struct bundle *b, const struct entry *entry, struct error *e)
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

/* Takes over the entry in any case. */
static enum err keep_entry(struct bundle *b, struct entry *entry, struct error *e)
{
	enum err err = append_entry(b, entry, e);
	if (err != ERR_OK) {
		free(entry);
		return err;
	}
	link_entry(b, entry);
	return ERR_OK;
}

static struct bundle *new_bundle(int memfd, struct error *e)
{
	struct bundle *b = calloc(1, sizeof(*b));
	if (b != NULL)
		b->slots = calloc(SLOTS, sizeof(struct entry *));
	if (b == NULL || b->slots == NULL) {
		free(b);
		(void)err_set(e, ERR_MEMORY, "out of memory");
		return NULL;
	}
	b->slots_n = SLOTS;
	list_init(&b->entries);
	b->memfd = memfd;
	return b;
}

/* Leaves nothing but the mark in it. */
static enum err empty_memfd(int memfd, struct error *e)
{
	if (ftruncate(memfd, 0) != 0)
		return err_sys(e, errno, "empty the memory for kept files");
	return write_at(memfd, 0, mark, sizeof(mark), e);
}

enum err bundle_create(struct bundle **b, int memfd, struct error *e)
{
	struct bundle *made = new_bundle(memfd, e);
	if (made == NULL)
		return ERR_MEMORY;
	made->is_filling = true;
	made->bytes = sizeof(mark);
	enum err err = memfd >= 0 ? empty_memfd(memfd, e) : ERR_OK;
	if (err != ERR_OK) {
		bundle_destroy(made);
		return err;
	}
	*b = made;
	return ERR_OK;
}

/* The entry at b->bytes; b->bytes moves to its end. */
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
	link_entry(b, entry);
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
	struct bundle *made = new_bundle(memfd, e);
	if (made == NULL)
		return ERR_MEMORY;
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
		struct entry *entry = container_of(first, struct entry, link);
		explicit_bzero(entry_data(entry), entry->data.n); /* it may be a key */
		free(entry);
	}
	free(b->slots);
	free(b);
}

/* May everybody put another file in its place? */
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
static enum err check_kind(const char *path, const struct stat *st, struct error *e)
{
	if (S_ISDIR(st->st_mode))
		return err_set(e, ERR_INVALID, "%s: this is a folder, not a file", path);
	if (!S_ISREG(st->st_mode))
		return err_set(e, ERR_INVALID, "%s: this is not a regular file", path);
	if (st->st_size > FILE_BYTES_MAX)
		return err_set(e, ERR_LIMIT, "%s: the file is larger than %d bytes", path,
			       FILE_BYTES_MAX);
	return ERR_OK;
}

static void warn_of_others(const char *path, const struct stat *st, enum bundle_use use)
{
	const char *harm = use == BUNDLE_CODE ? ", and what it says runs here" : "";

	if ((st->st_mode & S_IWOTH) != 0)
		log_warn("%s: anybody may write to this file%s", path, harm);
	else if (is_in_open_folder(path))
		log_warn("%s: anybody may replace this file, as its folder is open to all%s", path,
			 harm);
}

/*
 * The whole open file as an entry. A file that shrinks meanwhile is an error; one that grows is cut
 * at its first size.
 */
static enum err entry_of_fd(int fd, const char *path, enum bundle_use use, struct entry **entry,
			    struct error *e)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return err_sys(e, errno, "%s: cannot be read", path);
	enum err err = check_kind(path, &st, e);
	if (err != ERR_OK)
		return err;
	warn_of_others(path, &st, use);
	struct entry *made = entry_create(strlen(path), (size_t)st.st_size);
	if (made == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	made->is_exposed = use == BUNDLE_SECRET && (st.st_mode & S_IROTH) != 0;
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

void bundle_borrow(struct bundle *b, struct bundle_lender lender)
{
	b->lender = lender;
}

void bundle_end_loan(struct bundle *b)
{
	if (b->lender.end != NULL)
		b->lender.end(b->lender.ctx);
	b->lender = (struct bundle_lender){ .ctx = NULL };
}

/* Without blocking, since a pipe may have no writer. */
static int open_or_borrow(const struct bundle *b, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd >= 0 || errno != EACCES || b->lender.open == NULL)
		return fd;
	return b->lender.open(b->lender.ctx, path);
}

static enum err cannot_open(const struct bundle *b, const char *path, int sys, struct error *e)
{
	if (b->user != NULL && sys == EACCES)
		return err_sys(e, sys, "%s: cannot be opened by user '%s'", path, b->user);
	if (sys == ELOOP || sys == EMLINK)
		return err_set(e, ERR_SYSTEM, "%s: cannot be opened: %s", path, trusted_text(sys));
	return err_sys(e, sys, "%s: cannot be opened", path);
}

static enum err open_path(struct bundle *b, const char *path, int *fd, struct error *e)
{
	if (!b->is_filling)
		return err_set(e, ERR_GONE, "was not read when this configuration was loaded");
	if (path[0] == '\0' || strlen(path) > PATH_BYTES_MAX)
		return err_set(e, ERR_INVALID, "is no path of 1 to %d bytes", PATH_BYTES_MAX);
	*fd = open_or_borrow(b, path);
	return *fd < 0 ? cannot_open(b, path, errno, e) : ERR_OK;
}

enum err bundle_read_as(struct bundle *b, enum bundle_use use, const char *path, struct str *bytes,
			struct error *e)
{
	struct entry *entry = find_entry(b, str_of(path));
	int fd = -1;

	if (entry == NULL) {
		enum err err = open_path(b, path, &fd, e);
		if (err != ERR_OK)
			return err;
		err = entry_of_fd(fd, path, use, &entry, e);
		(void)close(fd); /* only read from */
		if (err == ERR_OK)
			err = keep_entry(b, entry, e);
		if (err != ERR_OK)
			return err;
	}
	*bytes = entry->data;
	return ERR_OK;
}

bool bundle_is_exposed(const struct bundle *b, const char *path)
{
	const struct entry *entry = find_entry(b, str_of(path));

	return entry != NULL && entry->is_exposed;
}

enum err bundle_read(struct bundle *b, const char *path, struct str *bytes, struct error *e)
{
	return bundle_read_as(b, BUNDLE_CODE, path, bytes, e);
}

enum err bundle_list(struct bundle *b, const char *path, struct str *names, struct error *e)
{
	struct entry *entry = find_entry(b, str_of(path));
	char *text = NULL;
	int fd = -1;

	if (entry == NULL) {
		enum err err = open_path(b, path, &fd, e);
		if (err == ERR_OK)
			err = folder_read(fd, path, &text, e);
		if (err == ERR_OK)
			err = bundle_put(b, path, str_of(text), e);
		free(text);
		if (err != ERR_OK)
			return err;
		entry = find_entry(b, str_of(path));
	}
	*names = entry->data;
	return ERR_OK;
}

enum err bundle_put(struct bundle *b, const char *path, struct str bytes, struct error *e)
{
	struct str name = str_of(path);

	if (!b->is_filling || find_entry(b, name) != NULL)
		return err_set(e, ERR_INVALID, "%s is kept already", path);
	if (name.n == 0 || name.n > PATH_BYTES_MAX || bytes.n > FILE_BYTES_MAX)
		return err_set(e, ERR_LIMIT, "%s: too long to be kept", path);
	struct entry *entry = entry_create(name.n, bytes.n);
	if (entry == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	memcpy(entry_path(entry), name.p, name.n);
	if (bytes.n > 0)
		memcpy(entry_data(entry), bytes.p, bytes.n);
	return keep_entry(b, entry, e);
}

void bundle_each(const struct bundle *b, void (*fn)(void *ctx, const char *path, struct str bytes),
		 void *ctx)
{
	for (struct list *l = b->entries.next; l != &b->entries; l = l->next) {
		const struct entry *entry = container_of(l, struct entry, link);
		fn(ctx, entry->path.p, entry->data);
	}
}

bool bundle_keeps(const struct bundle *b, const char *path)
{
	return find_entry(b, str_of(path)) != NULL;
}

/* For a file that this process may not even look for. */
static bool is_lent(const struct bundle *b, const char *path)
{
	struct stat st;
	int fd = b->lender.open == NULL ? -1 : b->lender.open(b->lender.ctx, path);
	bool is_file = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode);

	if (fd >= 0)
		(void)close(fd); /* only looked at */
	return is_file;
}

bool bundle_has(struct bundle *b, const char *path)
{
	struct stat st;

	if (bundle_keeps(b, path))
		return true;
	if (!b->is_filling)
		return false;
	if (stat(path, &st) == 0)
		return S_ISREG(st.st_mode);
	return errno == EACCES && is_lent(b, path);
}

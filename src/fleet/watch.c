#include "fleet/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fnv.h"
#include "base/log.h"
#include "base/str.h"
#include "conf/bundle.h"
#include "conf/folder.h"
#include "conf/secrets.h"

enum {
	SETTLE_MS = 200,
	SETTLE_MAX_MS = 1000,
	FILES_MAX = 1024,
	FILE_BYTES_MAX = 16 * 1024 * 1024, /* as bundle.c reads them */
	EVENTS = IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ONLYDIR,
};

static uint64_t hash_fd(int fd)
{
	char block[16384];
	uint64_t h = fnv_start;
	size_t total = 0;
	ssize_t n;

	while ((n = read(fd, block, sizeof(block))) > 0 && total < FILE_BYTES_MAX) {
		h = fnv_add(h, block, (size_t)n);
		total += (size_t)n;
	}
	return n < 0 ? 0 : h;
}

/* The names in it, as bundle_list keeps them. Takes over fd. */
static uint64_t hash_folder(int fd, const char *path)
{
	struct error e;
	char *names;

	if (folder_read(fd, path, &names, &e) != ERR_OK)
		return 0;
	uint64_t h = fnv_add(fnv_start, names, strlen(names));
	free(names);
	return h;
}

/* 0: there is no such file. */
static uint64_t hash_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	uint64_t h = 0;

	if (fd < 0)
		return 0;
	bool is_known = fstat(fd, &st) == 0;
	if (is_known && S_ISDIR(st.st_mode))
		return hash_folder(fd, path);
	if (is_known && S_ISREG(st.st_mode))
		h = hash_fd(fd);
	(void)close(fd); /* only read from */
	return h;
}

static void watch_folder_of(const struct watch *w, const char *path)
{
	char folder[PATH_MAX];
	const char *slash = strrchr(path, '/');
	struct str s = { path, slash == path ? 1 : (size_t)(slash - path) };

	if (str_copy(folder, sizeof(folder), s) && inotify_add_watch(w->fd, folder, EVENTS) < 0)
		log_warn("watch: %s: %s: changes there are not seen", folder, strerror(errno));
}

/* The folder of the path, and the folder that a link leads to. */
static void watch_folders(const struct watch *w, const char *path)
{
	char real[PATH_MAX];

	watch_folder_of(w, path);
	if (realpath(path, real) != NULL && strcmp(real, path) != 0)
		watch_folder_of(w, real);
}

static struct watch_file *find_file(const struct watch *w, const char *path)
{
	for (unsigned i = 0; i < w->files_n; i++) {
		if (strcmp(w->files[i].path, path) == 0)
			return &w->files[i];
	}
	return NULL;
}

static struct watch_file *add_file(struct watch *w, const char *path)
{
	struct watch_file *file = find_file(w, path);

	if (file != NULL || w->files_n == FILES_MAX)
		return file;
	struct watch_file *more = realloc(w->files, (w->files_n + 1) * sizeof(*more));
	if (more == NULL)
		return NULL;
	w->files = more;
	file = &w->files[w->files_n];
	file->path = strdup(path);
	if (file->path == NULL)
		return NULL;
	w->files_n++;
	watch_folders(w, path);
	return file;
}

/* A file that only another user may read (config's `user`) would seem to be gone. */
static bool is_ours_to_read(const char *path)
{
	return access(path, R_OK) == 0 || errno != EACCES;
}

static void add_kept(void *ctx, const char *path, struct str bytes)
{
	struct watch *w = ctx;
	struct watch_file *file = NULL;
	char whole[PATH_MAX];
	int n = snprintf(whole, sizeof(whole), "%s%s%s", path[0] == '/' ? "" : w->folder,
			 path[0] == '/' ? "" : "/", path);

	if (n > 0 && (size_t)n < sizeof(whole) && is_ours_to_read(whole))
		file = add_file(w, whole);
	if (file != NULL)
		file->hash = fnv_add(fnv_start, bytes.p, bytes.n);
}

static void add_secret(void *ctx, const char *path, struct str bytes)
{
	if (secrets_is_file(path))
		add_kept(ctx, path, bytes);
}

static void add_bundle(struct watch *w, int memfd,
		       void (*add)(void *ctx, const char *path, struct str bytes))
{
	struct bundle *b;
	struct error e;

	if (bundle_open(&b, memfd, &e) != ERR_OK)
		return;
	bundle_each(b, add, w);
	bundle_destroy(b);
}

static void forget_files(struct watch *w)
{
	for (unsigned i = 0; i < w->files_n; i++)
		free(w->files[i].path);
	free(w->files);
	w->files = NULL;
	w->files_n = 0;
}

static const char *changed(const struct watch *w)
{
	for (unsigned i = 0; i < w->files_n; i++) {
		if (hash_file(w->files[i].path) != w->files[i].hash)
			return w->files[i].path;
	}
	return NULL;
}

static void set_settle(struct watch *w)
{
	int64_t now_ms = loop_now_ms(w->loop);

	if (!ev_is_active(&w->settle))
		w->first_ms = now_ms;
	else if (now_ms - w->first_ms > SETTLE_MAX_MS)
		return;
	ev_timer_stop(w->loop->ev, &w->settle);
	ev_timer_set(&w->settle, SETTLE_MS / 1e3, 0);
	ev_timer_start(w->loop->ev, &w->settle);
}

static void settle_cb(struct ev_loop *ev, ev_timer *t, int events)
{
	struct watch *w = container_of(t, struct watch, settle);
	const char *path = changed(w);

	(void)ev, (void)events;
	if (path != NULL)
		w->on_change(w, path);
}

/* What happened does not matter: the files themselves are compared. */
static void inotify_cb(struct ev_loop *ev, ev_io *io, int events)
{
	char block[4096];

	(void)ev, (void)events;
	while (read(io->fd, block, sizeof(block)) > 0)
		;
	set_settle(container_of(io, struct watch, reader));
}

static enum err open_inotify(struct watch *w, struct error *e)
{
	w->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (w->fd < 0)
		return err_sys(e, errno, "--watch");
	ev_io_init(&w->reader, inotify_cb, w->fd, EV_READ);
	ev_io_start(w->loop->ev, &w->reader);
	return ERR_OK;
}

static void close_inotify(struct watch *w)
{
	if (w->fd < 0)
		return;
	ev_io_stop(w->loop->ev, &w->reader);
	(void)close(w->fd);
	w->fd = -1;
}

enum err watch_open(struct watch *w, struct loop *loop, struct error *e)
{
	w->loop = loop;
	ev_timer_init(&w->settle, settle_cb, 0, 0);
	return open_inotify(w, e);
}

void watch_close(struct watch *w)
{
	if (w->loop == NULL)
		return;
	ev_timer_stop(w->loop->ev, &w->settle);
	close_inotify(w);
	forget_files(w);
}

void watch_add(struct watch *w, int memfd, int secrets)
{
	if (w->fd < 0)
		return;
	/*
	 * Files that this attempt did not reach count as they are now: only a change is worth
	 * another attempt.
	 */
	for (unsigned i = 0; i < w->files_n; i++)
		w->files[i].hash = hash_file(w->files[i].path);
	add_bundle(w, memfd, add_kept);
	add_bundle(w, secrets, add_secret);
	set_settle(w);
}

void watch_follow(struct watch *w, int memfd, int secrets)
{
	struct error e;

	if (w->fd < 0)
		return;
	forget_files(w);
	close_inotify(w);
	if (open_inotify(w, &e) == ERR_OK)
		watch_add(w, memfd, secrets);
	else
		log_error("%s: changes of files are not seen any more", e.text);
}

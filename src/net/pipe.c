#include "net/pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

void pipe_pool_init(struct pipe_pool *pool)
{
	list_init(&pool->idle);
	pool->idle_n = 0;
	pool->large_n = pool->rest = 0;
}

static void pipe_close(struct pipe *p)
{
	close(p->read_fd);
	close(p->write_fd);
	free(p);
}

static void pipe_destroy(struct pipe_pool *pool, struct pipe *p)
{
	pool->large_n -= p->room >= PIPE_BYTES_LARGE;
	pipe_close(p);
}

void pipe_pool_fini(struct pipe_pool *pool)
{
	struct list *node;

	while ((node = list_first(&pool->idle)) != NULL) {
		list_remove(node);
		pipe_destroy(pool, container_of(node, struct pipe, node));
	}
	pool->idle_n = 0;
}

/* Returns how large it is. Past the user's quota a pipe does not grow, and new ones are tiny. */
static int make_large(int fd, bool may_be_largest)
{
	int bytes = may_be_largest ? fcntl(fd, F_SETPIPE_SZ, PIPE_BYTES_LARGE) : -1;

	if (bytes < 0)
		bytes = fcntl(fd, F_SETPIPE_SZ, PIPE_BYTES);
	return bytes < 0 ? fcntl(fd, F_GETPIPE_SZ) : bytes;
}

static struct pipe *pipe_create(struct pipe_pool *pool)
{
	struct pipe *p = malloc(sizeof(*p));
	int fds[2];

	if (p == NULL || pipe2(fds, O_NONBLOCK | O_CLOEXEC) != 0) {
		free(p);
		return NULL;
	}
	list_init(&p->node);
	p->read_fd = fds[0];
	p->write_fd = fds[1];
	p->held = 0;
	int bytes = make_large(p->write_fd, pool->large_n < PIPE_LARGE_MAX);
	if (bytes < PIPE_BYTES_MIN) {
		pipe_close(p);
		return NULL;
	}
	p->room = (size_t)bytes;
	pool->large_n += p->room >= PIPE_BYTES_LARGE;
	return p;
}

struct pipe *pipe_take(struct pipe_pool *pool)
{
	struct list *node = list_first(&pool->idle);

	if (node == NULL) {
		if (pool->rest > 0) {
			pool->rest--;
			return NULL;
		}
		struct pipe *p = pipe_create(pool);
		pool->rest = p == NULL ? PIPE_REST : 0;
		return p;
	}
	list_remove(node);
	pool->idle_n--;
	return container_of(node, struct pipe, node);
}

void pipe_put(struct pipe_pool *pool, struct pipe *p)
{
	if (p == NULL)
		return;
	if (p->held > 0 || pool->idle_n >= PIPE_IDLE_MAX) {
		pipe_destroy(pool, p);
		return;
	}
	list_prepend(&pool->idle, &p->node);
	pool->idle_n++;
}

static ssize_t move(int from, int to, size_t max)
{
	ssize_t n;

	do {
		n = splice(from, NULL, to, NULL, max, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
	} while (n < 0 && errno == EINTR);
	return n;
}

ssize_t pipe_fill(struct pipe *p, int fd, size_t max)
{
	ssize_t n = move(fd, p->write_fd, max < p->room ? max : p->room);

	if (n > 0)
		p->held += (size_t)n;
	return n;
}

ssize_t pipe_drain(struct pipe *p, int fd)
{
	ssize_t n = move(p->read_fd, fd, p->held);

	if (n > 0)
		p->held -= (size_t)n;
	return n;
}

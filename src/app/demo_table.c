#include "app/demo_table.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cc.h"
#include "shm/board.h"
#include "shm/board_backend.h"
#include "shm/board_cell.h"
#include "shm/board_pool.h"
#include "shm/board_state.h"

enum { LOG_LINES = 5, LOG_TAIL = 2048, LOG_MOST = 1 << 20 };

struct row {
	char name[160];
	const char *state;
	uint32_t inflight;
	uint64_t requests;
	double latency_ms;
};

static bool read_row(const struct board *b, int slot, struct row *r)
{
	struct board_text text;
	uint64_t failures;

	if (!board_backend_text(b, slot, atomic_load(&b->backends[slot].epoch), &text))
		return false;
	(void)str_copy(r->name, sizeof(r->name), str_of(text.name));
	r->state = board_state_word(board_state(b, slot));
	r->inflight = board_inflight(b, slot);
	board_totals(b, slot, &r->requests, &failures);
	r->latency_ms = atomic_load(&b->backends[slot].latency_us) / 1e3;
	return true;
}

/* The demo has one pool. */
static unsigned read_table(const struct board *b, struct row *rows)
{
	int32_t slots[DEMO_TOYS];
	unsigned count = board_pool_members(b, 0, slots, DEMO_TOYS), used = 0;

	for (unsigned i = 0; i < count && i < DEMO_TOYS; i++)
		used += read_row(b, slots[i], &rows[used]);
	return used;
}

static const char *colour(const char *state)
{
	if (state[0] == 'u' && state[1] == 'p')
		return "\033[32m";
	return state[0] == 'd' ? "\033[31m" : "\033[33m";
}

static unsigned draw_rows(const struct demo_table *t, const struct row *rows, unsigned count)
{
	(void)printf("  %-8s %-8s %8s %10s %10s %12s\033[K\n", "backend", "state", "pid",
		     "requests", "in flight", "latency");
	for (unsigned i = 0; i < count; i++) {
		char pid[16] = "-";
		if (t->pids[i] > 0)
			(void)snprintf(pid, sizeof(pid), "%ld", (long)t->pids[i]);
		(void)printf("  %-8s %s%-8s\033[0m %8s %10llu %10u %9.2f ms\033[K\n", rows[i].name,
			     colour(rows[i].state), rows[i].state, pid,
			     (unsigned long long)rows[i].requests, rows[i].inflight,
			     rows[i].latency_ms);
	}
	return 1 + count;
}

/* Where the last LOG_LINES of text begin. */
static const char *last_lines(const char *text, size_t n)
{
	unsigned lines = 0;

	for (size_t i = n; i > 0; i--) {
		if (text[i - 1] == '\n' && lines++ == LOG_LINES)
			return text + i;
	}
	return text;
}

static size_t read_tail(int fd, char *to, size_t size)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return 0;
	if (st.st_size > LOG_MOST) /* the writers append, and so go on at the new end */
		(void)!ftruncate(fd, 0);
	off_t from = st.st_size > (off_t)size ? st.st_size - (off_t)size : 0;
	ssize_t n = pread(fd, to, size, from);
	return n > 0 ? (size_t)n : 0;
}

static unsigned draw_log(const struct demo_table *t)
{
	char text[LOG_TAIL];
	size_t n = t->log_fd >= 0 ? read_tail(t->log_fd, text, sizeof(text)) : 0;
	const char *from = last_lines(text, n);
	struct str rest = { from, n - (size_t)(from - text) }, line;
	unsigned drawn = 1;

	(void)printf("\033[K\n");
	while (rest.n > 0 && str_split(&rest, '\n', &line)) {
		(void)printf("  \033[2m%.*s\033[0m\033[K\n", (int)line.n, line.p);
		drawn++;
	}
	return drawn;
}

static void draw_table(struct demo_table *t, const struct row *rows, unsigned count)
{
	(void)printf("\033[?7l"); /* the terminal cuts a line that is too long */
	if (t->drawn > 0)
		(void)printf("\033[%uA", t->drawn);
	t->drawn = draw_rows(t, rows, count);
	t->drawn += draw_log(t);
	(void)printf("\033[J\033[?7h");
}

static void print_table(const struct row *rows, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		(void)printf("%s%s %s, %llu requests, %u in flight, %.2f ms", i > 0 ? " | " : "",
			     rows[i].name, rows[i].state, (unsigned long long)rows[i].requests,
			     rows[i].inflight, rows[i].latency_ms);
	(void)printf("\n");
}

static void demo_table_cb(struct ev_loop *ev, ev_timer *w, int events)
{
	struct demo_table *t = container_of(w, struct demo_table, timer);
	struct row rows[DEMO_TOYS];
	unsigned count = read_table(t->board, rows);

	(void)ev, (void)events;
	if (t->is_terminal)
		draw_table(t, rows, count);
	else
		print_table(rows, count);
	(void)fflush(stdout);
}

void demo_table_start(struct demo_table *t, struct loop *loop, const struct board *board)
{
	t->board = board;
	if (t->loop != NULL) /* after a reload: another board */
		return;
	t->loop = loop;
	t->drawn = 0;
	ev_timer_init(&t->timer, demo_table_cb, 0, t->is_terminal ? 0.25 : 1);
	ev_timer_start(loop->ev, &t->timer);
}

void demo_table_stop(struct demo_table *t)
{
	if (t->loop == NULL)
		return;
	ev_timer_stop(t->loop->ev, &t->timer);
	t->loop = NULL;
}

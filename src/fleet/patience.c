#include "fleet/patience.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/num.h"

enum { MOST = 4 };

/*
 * /proc/PID/schedstat: nanoseconds on the CPU, nanoseconds in the queue for it, turns. Where the
 * kernel does not tell, all time counts.
 */
static int64_t queued_ms(pid_t pid)
{
	char path[64], text[96];
	struct str rest, word = STR("");
	uint64_t queued_ns;

	(void)snprintf(path, sizeof(path), "/proc/%ld/schedstat", (long)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		(void)close(fd); /* only read from */
	rest = (struct str){ text, n > 0 ? (size_t)n : 0 };
	(void)str_split(&rest, ' ', &word); /* the time on the CPU */
	if (!str_split(&rest, ' ', &word) || !num_parse_u64(word, INT64_MAX, &queued_ns))
		return 0;
	return (int64_t)(queued_ns / 1000000);
}

void patience_begin(struct patience *p, pid_t pid, uint32_t limit_ms, int64_t now_ms)
{
	*p = (struct patience){
		.pid = pid, .limit_ms = limit_ms, .since_ms = now_ms, .queued_ms = queued_ms(pid)
	};
}

int64_t patience_left_ms(const struct patience *p, int64_t now_ms)
{
	int64_t passed_ms = now_ms - p->since_ms;
	int64_t counted_ms = passed_ms - (queued_ms(p->pid) - p->queued_ms);
	int64_t left_ms = (int64_t)p->limit_ms - counted_ms;
	int64_t most_ms = (int64_t)p->limit_ms * MOST - passed_ms;

	if (left_ms > most_ms)
		left_ms = most_ms;
	return left_ms > 0 ? left_ms : 0;
}

#include "app/sockets.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "net/listener.h"

static enum err open_row(struct sockets *s, struct socket_row *row, const char *address,
			 struct error *e)
{
	enum err err = addr_parse(&row->addr, str_of(address), e);

	if (err == ERR_OK)
		err = listener_bind(&row->addr, s->slots, !row->is_tcp, row->fds, e);
	return err;
}

enum err sockets_open(struct sockets *s, const struct board_plan *p, struct error *e)
{
	*s = (struct sockets){ .slots = p->workers };
	s->rows = calloc(p->listens, sizeof(*s->rows));
	if (s->rows == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	for (unsigned i = 0; i < p->listens; i++) {
		struct socket_row *row = &s->rows[i];
		row->is_tcp = p->listen[i].is_tcp != 0;
		row->service = p->listen[i].service;
		enum err err = open_row(s, row, p->listen[i].address, e);
		if (err != ERR_OK) {
			sockets_unlink(s);
			sockets_close(s);
			return err;
		}
		s->rows_n = i + 1;
	}
	return ERR_OK;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

void sockets_close(struct sockets *s)
{
	for (unsigned i = 0; i < s->rows_n; i++) {
		for (unsigned slot = 0; slot < s->slots; slot++)
			close_fd(&s->rows[i].fds[slot]);
	}
	free(s->rows);
	*s = (struct sockets){ .rows = NULL };
}

void sockets_keep_slot(struct sockets *s, unsigned slot)
{
	for (unsigned i = 0; i < s->rows_n; i++) {
		for (unsigned other = 0; other < s->slots; other++) {
			if (other != slot)
				close_fd(&s->rows[i].fds[other]);
		}
	}
}

void sockets_unlink(const struct sockets *s)
{
	for (unsigned i = 0; i < s->rows_n; i++) {
		const struct addr *a = &s->rows[i].addr;
		if (addr_is_unix(a) && a->u.un.sun_path[0] == '/')
			(void)unlink(a->u.un.sun_path);
	}
}

void sockets_print(const struct sockets *s, char *to, size_t size)
{
	char text[ADDR_TEXT_MAX];
	size_t used = 0;

	to[0] = '\0';
	for (unsigned i = 0; i < s->rows_n && used < size; i++) {
		(void)addr_print(&s->rows[i].addr, text);
		int n = snprintf(to + used, size - used, "%s%s %s", i > 0 ? ", " : "",
				 s->rows[i].is_tcp ? "tcp" : "http", text);
		used += n > 0 ? (size_t)n : 0;
	}
}

#include "app/sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "net/listener.h"

static bool is_claimed(const struct socket_set *set, const struct socket_row *row)
{
	for (unsigned i = 0; i < set->uses_n; i++) {
		if (set->uses[i].row == row)
			return true;
	}
	return false;
}

/*
 * What listens there already: by the words of the config (port 0 keeps the port that it got), or by
 * the real address.
 */
static struct socket_row *find(const struct sockets *s, const struct socket_set *set,
			       const char *address, const struct addr *addr)
{
	for (unsigned i = 0; i < s->rows_n; i++) {
		if (!is_claimed(set, s->rows[i]) &&
		    str_eq(str_of(s->rows[i]->address), str_of(address)))
			return s->rows[i];
	}
	for (unsigned i = 0; i < s->rows_n; i++) {
		if (!is_claimed(set, s->rows[i]) && addr_equal(&s->rows[i]->addr, addr))
			return s->rows[i];
	}
	return NULL;
}

/* Is it an address of the generation before that holds the port, and none of this one? */
static bool is_leaving_port(const struct sockets *s, const struct socket_set *set,
			    const struct addr *addr)
{
	bool is_leaving = false;

	for (unsigned i = 0; i < s->rows_n; i++) {
		const struct socket_row *row = s->rows[i];
		if (row->fds_n == 0 || addr_is_unix(addr) || addr_is_unix(&row->addr) ||
		    addr_port(&row->addr) != addr_port(addr))
			continue;
		if (is_claimed(set, row))
			return false;
		is_leaving = true;
	}
	return is_leaving;
}

static enum err bind_row(const struct sockets *s, const struct socket_set *set,
			 struct socket_row *row, bool is_tcp, struct error *e)
{
	enum err err = listener_bind(&row->addr, set->workers, !is_tcp, row->fds, e);

	if (err != ERR_OK && is_leaving_port(s, set, &row->addr))
		err = listener_bind_beside(&row->addr, set->workers, !is_tcp, row->fds, e);
	if (err == ERR_OK)
		row->fds_n = row->listening = set->workers;
	return err;
}

static enum err add_row(struct sockets *s, struct socket_row **to, const char *address,
			const struct addr *addr, struct error *e)
{
	struct socket_row *row = s->rows_n < countof(s->rows) ? calloc(1, sizeof(*row)) : NULL;

	if (row == NULL)
		return err_set(e, ERR_MEMORY, "no room for another listening address");
	row->addr = *addr;
	(void)str_copy(row->address, sizeof(row->address), str_of(address));
	*to = s->rows[s->rows_n++] = row;
	return ERR_OK;
}

/* Sockets for more workers than there were. */
static enum err grow(struct socket_row *row, unsigned workers, struct error *e)
{
	while (row->fds_n < workers) {
		enum err err = listener_join(&row->addr, row->is_foreign, row->fds[0],
					     &row->fds[row->fds_n], e);
		if (err != ERR_OK)
			return err;
		row->fds_n++;
	}
	return ERR_OK;
}

static enum err claim(struct sockets *s, struct socket_set *set, const char *address, bool is_tcp,
		      uint16_t service, struct error *e)
{
	struct addr addr;
	enum err err = addr_parse(&addr, str_of(address), e);

	if (err != ERR_OK)
		return err;
	struct socket_row *row = find(s, set, address, &addr);
	bool is_new = row == NULL;
	if (is_new)
		err = add_row(s, &row, address, &addr, e);
	if (err != ERR_OK)
		return err;
	row->users++;
	err = is_new ? bind_row(s, set, row, is_tcp, e) : grow(row, set->workers, e);
	set->uses[set->uses_n++] = (struct socket_use){
		.row = row, .fds_n = row->fds_n, .is_tcp = is_tcp, .service = service
	};
	return err;
}

enum err sockets_claim(struct sockets *s, struct socket_set *set, const struct board_plan *p,
		       struct error *e)
{
	*set = (struct socket_set){ .workers = p->workers };
	for (unsigned i = 0; i < p->listens; i++) {
		enum err err = claim(s, set, p->listen[i].address, p->listen[i].is_tcp != 0,
				     p->listen[i].service, e);
		if (err != ERR_OK) {
			sockets_release(s, set);
			return err;
		}
	}
	return ERR_OK;
}

enum err sockets_adopt(struct sockets *s, const char *address, const int *fds, unsigned count,
		       bool is_foreign, struct error *e)
{
	struct addr addr = { .len = sizeof(addr.u) };
	struct socket_row *row;
	int is_listening = 0;
	socklen_t n = sizeof(is_listening);

	if (count == 0 || count > BOARD_WORKERS_MAX)
		return err_set(e, ERR_INVALID, "%s: no sockets were handed over", address);
	if (getsockopt(fds[0], SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &n) != 0 ||
	    is_listening == 0 || getsockname(fds[0], &addr.u.sa, &addr.len) != 0)
		return err_set(e, ERR_INVALID, "descriptor %d is no listening socket", fds[0]);
	enum err err = addr_is_unix(&addr) && address[0] != '\0'
			       ? addr_parse(&addr, str_of(address), e)
			       : ERR_OK;
	if (err == ERR_OK)
		err = add_row(s, &row, address, &addr, e);
	if (err != ERR_OK)
		return err;
	for (unsigned i = 0; i < count; i++) {
		row->fds[i] = fds[i];
		(void)fcntl(fds[i], F_SETFL, fcntl(fds[i], F_GETFL) | O_NONBLOCK);
	}
	row->fds_n = row->listening = count;
	row->is_foreign = is_foreign;
	return ERR_OK;
}

enum err sockets_commit(struct socket_set *set, struct error *e)
{
	for (unsigned i = 0; i < set->uses_n; i++) {
		struct socket_row *row = set->uses[i].row;
		for (; row->listening < row->fds_n; row->listening++) {
			enum err err = listener_listen(&row->addr, row->fds[row->listening], e);
			if (err != ERR_OK)
				return err;
		}
		for (unsigned k = 0; k < row->fds_n; k++)
			listener_defer_accept(&row->addr, row->fds[k], !set->uses[i].is_tcp);
	}
	return ERR_OK;
}

static void close_from(struct socket_row *row, unsigned first)
{
	for (unsigned i = first; i < row->fds_n; i++) {
		if (row->fds[i] >= 0)
			(void)close(row->fds[i]);
	}
	row->fds_n = first;
}

static void unlink_row(const struct sockets *s, const struct socket_row *row)
{
	if (!s->keeps_files && !row->is_foreign && addr_is_unix(&row->addr) &&
	    row->addr.u.un.sun_path[0] == '/')
		(void)unlink(row->addr.u.un.sun_path);
}

static void drop_row(struct sockets *s, unsigned at)
{
	struct socket_row *row = s->rows[at];

	if (row->fds_n > 0)
		unlink_row(s, row);
	close_from(row, 0);
	free(row);
	s->rows[at] = s->rows[--s->rows_n];
}

void sockets_release(struct sockets *s, struct socket_set *set)
{
	for (unsigned i = 0; i < set->uses_n; i++) {
		struct socket_row *row = set->uses[i].row;
		row->users--;
		close_from(row, row->listening); /* the surplus of one that never served */
	}
	set->uses_n = 0;
	sockets_prune(s);
}

void sockets_prune(struct sockets *s)
{
	for (unsigned i = s->rows_n; i-- > 0;) {
		if (s->rows[i]->users == 0 && !s->rows[i]->is_foreign)
			drop_row(s, i);
	}
}

void sockets_close(struct sockets *s)
{
	for (unsigned i = 0; i < s->rows_n; i++) {
		close_from(s->rows[i], 0);
		free(s->rows[i]);
	}
	s->rows_n = 0;
}

static bool is_kept(const struct socket_set *set, unsigned slot, const struct socket_row *row,
		    unsigned i)
{
	for (unsigned k = 0; k < set->uses_n; k++) {
		const struct socket_use *use = &set->uses[k];
		if (use->row == row)
			return i < use->fds_n && socket_set_serves(set, slot, i);
	}
	return false;
}

void sockets_keep_slot(struct sockets *s, const struct socket_set *set, unsigned slot)
{
	for (unsigned i = 0; i < s->rows_n; i++) {
		struct socket_row *row = s->rows[i];
		for (unsigned k = 0; k < row->fds_n; k++) {
			if (is_kept(set, slot, row, k))
				continue;
			(void)close(row->fds[k]);
			row->fds[k] = -1;
		}
	}
}

void sockets_unlink(const struct sockets *s)
{
	for (unsigned i = 0; i < s->rows_n; i++)
		unlink_row(s, s->rows[i]);
}

void sockets_print(const struct socket_set *set, char *to, size_t size)
{
	char text[ADDR_TEXT_MAX];
	size_t used = 0;

	to[0] = '\0';
	for (unsigned i = 0; i < set->uses_n && used < size; i++) {
		(void)addr_print(&set->uses[i].row->addr, text);
		int n = snprintf(to + used, size - used, "%s%s %s", i > 0 ? ", " : "",
				 set->uses[i].is_tcp ? "tcp" : "http", text);
		used += n > 0 ? (size_t)n : 0;
	}
}

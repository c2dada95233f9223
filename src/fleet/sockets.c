#include "fleet/sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "net/bind.h"
#include "net/bind_udp.h"

static bool is_claimed(const struct socket_set *set, const struct socket_row *row)
{
	for (unsigned i = 0; i < set->uses_n; i++) {
		if (set->uses[i].row == row)
			return true;
	}
	return false;
}

static bool is_free(const struct sockets *s, const struct socket_set *set, unsigned i,
		    const struct board_plan_listen *plan)
{
	return s->rows[i]->is_udp == (plan->is_udp != 0) && !is_claimed(set, s->rows[i]);
}

/*
 * Finds what listens there already: by the words of the config (so port 0 keeps the port that it
 * got), or by the real address.
 */
static struct socket_row *find_row(const struct sockets *s, const struct socket_set *set,
				   const struct board_plan_listen *plan, const struct addr *addr)
{
	for (unsigned i = 0; i < s->rows_n; i++) {
		if (is_free(s, set, i, plan) &&
		    str_eq(str_of(s->rows[i]->address), str_of(plan->address)))
			return s->rows[i];
	}
	for (unsigned i = 0; i < s->rows_n; i++) {
		if (is_free(s, set, i, plan) && addr_equal(&s->rows[i]->addr, addr))
			return s->rows[i];
	}
	return NULL;
}

/*
 * Does a socket of ours have the port, for an address that overlaps? Then the kernel refuses to
 * share it at first. (An equal address is about to be closed: no config names one twice.)
 */
static bool is_beside_ours(const struct sockets *s, const struct addr *addr, bool is_udp)
{
	for (unsigned i = 0; i < s->rows_n; i++) {
		if (s->rows[i]->fds_n > 0 && s->rows[i]->is_udp == is_udp &&
		    addr_overlaps(&s->rows[i]->addr, addr))
			return true;
	}
	if (is_udp)
		return false;
	return addr_overlaps(&s->admin[0], addr) || addr_overlaps(&s->admin[1], addr);
}

static enum err bind_udp_row(const struct sockets *s, const struct socket_set *set,
			     struct socket_row *row, struct error *e)
{
	enum err err = bind_udp_open(&row->addr, set->workers, false, row->fds, e);

	if (err != ERR_OK && is_beside_ours(s, &row->addr, true))
		err = bind_udp_open(&row->addr, set->workers, true, row->fds, e);
	row->fds_n = row->listening = err == ERR_OK ? set->workers : 0;
	return err;
}

static enum err bind_row(const struct sockets *s, const struct socket_set *set,
			 struct socket_row *row, bool is_tcp, struct error *e)
{
	if (row->is_udp)
		return bind_udp_row(s, set, row, e);
	enum err err = bind_open(&row->addr, set->workers, !is_tcp, row->fds, e);

	row->listening = err == ERR_OK ? set->workers : 0;
	if (err != ERR_OK && is_beside_ours(s, &row->addr, false))
		err = bind_open_beside(&row->addr, set->workers, !is_tcp, row->fds, e);
	if (err != ERR_OK)
		return err;
	row->fds_n = set->workers;
	unix_file_note(&row->file, &row->addr);
	return ERR_OK;
}

enum err sockets_bind_admin(const struct sockets *s, struct addr *addr, int *fd,
			    bool *is_bound_only, struct error *e)
{
	enum err err = bind_open(addr, 1, false, fd, e);

	*is_bound_only = err != ERR_OK && is_beside_ours(s, addr, false);
	return *is_bound_only ? bind_open_beside(addr, 1, false, fd, e) : err;
}

static enum err add_socket_row(struct sockets *s, struct socket_row **to, const char *address,
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

/* Makes sockets for more workers than there were. */
static enum err grow_row(struct socket_row *row, unsigned workers, struct error *e)
{
	while (row->fds_n < workers) {
		int *fd = &row->fds[row->fds_n];
		enum err err = row->is_udp && !row->is_foreign
				       ? bind_udp_join(&row->addr, fd, e)
				       : bind_join(&row->addr, row->is_foreign, row->fds[0], fd, e);
		if (err != ERR_OK)
			return err;
		row->fds_n++;
	}
	return ERR_OK;
}

static enum err claim_address(struct sockets *s, struct socket_set *set,
			      const struct board_plan_listen *plan, struct error *e)
{
	struct addr addr;
	const char *address = plan->address;
	bool is_tcp = plan->is_tcp != 0;
	enum err err = addr_parse(&addr, str_of(address), e);

	if (err != ERR_OK)
		return err;
	struct socket_row *row = find_row(s, set, plan, &addr);
	bool is_new = row == NULL;
	if (is_new)
		err = add_socket_row(s, &row, address, &addr, e);
	if (err != ERR_OK)
		return err;
	row->is_udp = plan->is_udp != 0;
	row->users++;
	err = is_new ? bind_row(s, set, row, is_tcp, e) : grow_row(row, set->workers, e);
	set->uses[set->uses_n++] = (struct socket_use){
		.row = row,
		.fds_n = row->fds_n,
		.is_tcp = is_tcp,
		.is_tls = plan->is_tls != 0,
		.is_udp = row->is_udp,
		.service = plan->service,
		.listen = plan->listen,
	};
	return err;
}

static bool has_udp(const struct socket_set *set)
{
	for (unsigned i = 0; i < set->uses_n; i++) {
		if (set->uses[i].is_udp)
			return true;
	}
	return false;
}

/* Without one, flows begin anew after a reload. */
static void open_passages(struct sockets *s, struct socket_set *set)
{
	int pair[2];

	for (unsigned slot = 0; slot < set->workers && has_udp(set); slot++) {
		set->inherits[slot] = s->passages[slot].give != 0;
		if (set->inherits[slot] ||
		    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
			continue;
		s->passages[slot] = (struct socket_passage){ pair[0], pair[1] };
	}
}

static void close_passages(struct sockets *s, int but)
{
	for (int slot = 0; slot < BOARD_WORKERS_MAX; slot++) {
		struct socket_passage *passage = &s->passages[slot];
		if (slot == but || passage->give == 0)
			continue;
		(void)close(passage->give); /* nobody waits for what is in them */
		(void)close(passage->take);
		*passage = (struct socket_passage){ 0, 0 };
	}
}

enum err sockets_claim(struct sockets *s, struct socket_set *set, const struct board_plan *p,
		       struct error *e)
{
	*set = (struct socket_set){ .workers = p->workers };
	for (unsigned i = 0; i < p->listens; i++) {
		enum err err = claim_address(s, set, &p->listen[i], e);
		if (err != ERR_OK) {
			sockets_release(s, set);
			return err;
		}
	}
	open_passages(s, set);
	return ERR_OK;
}

enum err sockets_adopt(struct sockets *s, const char *address, const int *fds, unsigned count,
		       bool is_foreign, struct error *e)
{
	struct addr addr = { .len = sizeof(addr.u) };
	struct socket_row *row;
	int is_listening = 0;
	socklen_t n = sizeof(is_listening);
	bool is_udp = count > 0 && bind_udp_is_one(fds[0]);

	if (count == 0 || count > BOARD_WORKERS_MAX)
		return err_set(e, ERR_INVALID, "%s: no sockets were handed over", address);
	if (getsockopt(fds[0], SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &n) != 0 ||
	    is_listening == (is_udp ? 1 : 0) || getsockname(fds[0], &addr.u.sa, &addr.len) != 0)
		return err_set(e, ERR_INVALID, "descriptor %d is no listening socket", fds[0]);
	enum err err = addr_is_unix(&addr) && address[0] != '\0'
			       ? addr_parse(&addr, str_of(address), e)
			       : ERR_OK;
	if (err == ERR_OK)
		err = add_socket_row(s, &row, address, &addr, e);
	if (err != ERR_OK)
		return err;
	for (unsigned i = 0; i < count; i++) {
		row->fds[i] = fds[i];
		(void)fcntl(fds[i], F_SETFL, fcntl(fds[i], F_GETFL) | O_NONBLOCK);
	}
	row->fds_n = row->listening = count;
	row->is_foreign = is_foreign;
	row->is_udp = is_udp;
	if (is_udp && is_foreign)
		bind_udp_adopt(&addr, fds[0]);
	unix_file_note(&row->file, &row->addr);
	return ERR_OK;
}

enum err sockets_commit(struct socket_set *set, struct error *e)
{
	for (unsigned i = 0; i < set->uses_n; i++) {
		struct socket_row *row = set->uses[i].row;
		for (; row->listening < row->fds_n; row->listening++) {
			int fd = row->fds[row->listening];
			enum err err = row->is_udp ? bind_udp_start(&row->addr, fd, e)
						   : bind_listen(&row->addr, fd, e);
			if (err != ERR_OK)
				return err;
		}
		for (unsigned k = 0; k < row->fds_n && !row->is_udp; k++)
			bind_set_defer_accept(&row->addr, row->fds[k], !set->uses[i].is_tcp);
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
	if (!s->keeps_files && !row->is_foreign)
		unix_file_remove(&row->file, &row->addr);
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
		close_from(row, row->listening); /* the surplus of a generation that never served */
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
	close_passages(s, -1);
}

static bool is_kept(const struct socket_set *set, unsigned slot, const struct socket_row *row,
		    unsigned i)
{
	for (unsigned k = 0; k < set->uses_n; k++) {
		const struct socket_use *use = &set->uses[k];
		if (use->row == row)
			return i < use->fds_n && i % set->workers == slot;
	}
	return false;
}

void sockets_keep_slot(struct sockets *s, const struct socket_set *set, unsigned slot)
{
	close_passages(s, (int)slot);
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

static const char *protocol_of(const struct socket_use *use)
{
	if (use->is_udp)
		return "udp";
	if (use->is_tcp)
		return use->is_tls ? "tls" : "tcp";
	return use->is_tls ? "https" : "http";
}

void sockets_print(const struct socket_set *set, char *to, size_t size)
{
	char text[ADDR_TEXT_MAX];
	size_t used = 0;

	to[0] = '\0';
	for (unsigned i = 0; i < set->uses_n && used < size; i++) {
		(void)addr_print(&set->uses[i].row->addr, text);
		int n = snprintf(to + used, size - used, "%s%s %s", i > 0 ? ", " : "",
				 protocol_of(&set->uses[i]), text);
		used += n > 0 ? (size_t)n : 0;
	}
}

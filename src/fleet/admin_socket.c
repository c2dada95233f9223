#include "fleet/admin_socket.h"

#include <errno.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/bind.h"

static enum err find_admin_group(const struct board_plan *p, gid_t *gid, struct error *e)
{
	const struct group *group = p->admin_group[0] != '\0' ? getgrnam(p->admin_group) : NULL;

	*gid = group != NULL ? group->gr_gid : (gid_t)-1;
	if (group != NULL || p->admin_group[0] == '\0')
		return ERR_OK;
	return err_set(e, ERR_INVALID, "admin.group: there is no group '%s' on this machine",
		       p->admin_group);
}

static enum err give_file(const struct admin_socket *s, const struct board_plan *p, struct error *e)
{
	gid_t gid;
	enum err err = find_admin_group(p, &gid, e);

	if (err != ERR_OK || unix_file_give(&s->addr, gid, (mode_t)p->admin_mode))
		return err;
	return err_sys(e, errno, "admin: cannot give %s its mode%s%s", s->address,
		       gid != (gid_t)-1 ? " and group " : "", p->admin_group);
}

static enum err bind_new(struct admin_socket *s, const struct board_plan *p,
			 const struct sockets *sockets, struct error *e)
{
	enum err err = addr_parse(&s->addr, str_of(p->admin), e);

	if (err != ERR_OK)
		return err;
	bool is_unix = addr_is_unix(&s->addr);
	mode_t before = umask(0777);
	(void)umask(is_unix ? 0777 : before); /* closed to all until it has its mode and group */
	err = sockets_bind_admin(sockets, &s->addr, &s->fd, &s->is_bound_only, e);
	(void)umask(before);
	if (err == ERR_OK && is_unix) {
		unix_file_note(&s->file, &s->addr);
		err = give_file(s, p, e);
	}
	if (err == ERR_OK)
		return ERR_OK;
	admin_socket_unlink(s);
	admin_socket_close(s);
	return err;
}

static void tell(struct sockets *sockets, unsigned at, const struct admin_socket *s)
{
	sockets->admin[at] = s->fd >= 0 ? s->addr : (struct addr){ .len = 0 };
}

static enum err claim_admin(struct admin_socket *next, const struct admin_socket *serving,
			    const struct board_plan *p, const struct sockets *sockets,
			    struct error *e)
{
	if (p->admin[0] == '\0')
		return ERR_OK;
	if (serving->fd >= 0 && strcmp(serving->address, p->admin) == 0) {
		*next = *serving;
		return addr_is_unix(&next->addr) ? give_file(next, p, e) : ERR_OK;
	}
	(void)str_copy(next->address, sizeof(next->address), str_of(p->admin));
	return bind_new(next, p, sockets, e);
}

enum err admin_socket_claim(struct admin_socket *next, const struct admin_socket *serving,
			    const struct board_plan *p, struct sockets *sockets, struct error *e)
{
	*next = (struct admin_socket){ .fd = -1 };
	tell(sockets, 0, serving);
	tell(sockets, 1, next);
	enum err err = claim_admin(next, serving, p, sockets, e);
	tell(sockets, 1, next);
	return err;
}

enum err admin_socket_replace(struct admin_socket *serving, struct admin_socket *next,
			      struct error *e)
{
	enum err err = next->is_bound_only ? bind_listen(&next->addr, next->fd, e) : ERR_OK;

	if (err != ERR_OK)
		return err;
	next->is_bound_only = false;
	if (serving->fd != next->fd) {
		admin_socket_unlink(serving);
		admin_socket_close(serving);
	}
	*serving = *next;
	next->fd = -1;
	return ERR_OK;
}

void admin_socket_release(struct admin_socket *next, const struct admin_socket *serving)
{
	if (next->fd != serving->fd) {
		admin_socket_unlink(next);
		admin_socket_close(next);
	}
	next->fd = -1;
}

void admin_socket_close(struct admin_socket *s)
{
	if (s->fd >= 0)
		(void)close(s->fd); /* other processes have it too, or nobody needs it */
	s->fd = -1;
}

void admin_socket_unlink(const struct admin_socket *s)
{
	if (s->fd >= 0)
		unix_file_remove(&s->file, &s->addr);
}

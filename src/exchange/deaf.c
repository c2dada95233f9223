#include "exchange/deaf.h"

enum client_sent deaf_interim(struct client *c, struct str head)
{
	(void)c;
	(void)head;
	return CLIENT_TOOK_ALL;
}

enum client_sent deaf_reply(struct client *c, struct str head, struct str text)
{
	(void)c;
	(void)head;
	(void)text;
	return CLIENT_TOOK_ALL;
}

bool deaf_never(const struct client *c)
{
	(void)c;
	return false;
}

void deaf_nothing(struct client *c)
{
	(void)c;
}

void deaf_want(struct client *c, bool more)
{
	(void)c;
	(void)more;
}

struct stream *deaf_steal(struct client *c, struct str head, struct outbox **unsent)
{
	(void)c;
	(void)head;
	*unsent = NULL;
	return NULL;
}

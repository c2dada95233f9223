/*
 * What clients have in common that no answer goes to: a mirror's and a hedge's. For their rows of
 * functions (client.h).
 */
#ifndef NEAP_EXCHANGE_DEAF_H
#define NEAP_EXCHANGE_DEAF_H

#include "exchange/client.h"

/* These take all, and drop it. */
enum client_sent deaf_interim(struct client *c, struct str head);
enum client_sent deaf_reply(struct client *c, struct str head, struct str text);

bool deaf_never(const struct client *c);
void deaf_nothing(struct client *c);
void deaf_want(struct client *c, bool more);

/* There is no connection. */
struct stream *deaf_steal(struct client *c, struct str head, struct outbox **unsent);

#endif

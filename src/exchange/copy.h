/*
 * Parts of a request that another one gets copies of: for a mirror, or a hedge.
 */
#ifndef NEAP_EXCHANGE_COPY_H
#define NEAP_EXCHANGE_COPY_H

#include "exchange/body.h"
#include "script/abi.h"

/* What hooks did to its head. false: no memory; *to is ended as any view is. */
bool copy_edits(struct neap_request *to, const struct neap_request *from);

/* All of a body that is here whole, and kept. false: no memory, or no room. */
bool copy_body(struct body *to, const struct body *from);

#endif

/* Status codes as text, and the value of Date. */
#ifndef NEAP_HTTP_STATUS_H
#define NEAP_HTTP_STATUS_H

#include <stdint.h>

#include "base/str.h"

/* "Not Found" for 404; "Unknown" for a code without a name here. */
struct str status_reason(uint16_t status);

/* IMF-fixdate (RFC 9110 §5.6.7), 29 bytes into to, not zero terminated. */
void status_date(char to[29], int64_t unix_seconds);

#endif

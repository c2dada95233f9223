/* The coding zstd (RFC 8878), over libzstd. */
#ifndef NEAP_CODING_ZSTD_H
#define NEAP_CODING_ZSTD_H

#include "coding/encoder_ops.h"

extern const struct encoder_ops zstd_ops; /* levels 1 to 12 */

#endif

/* The little of RFC 9112 that both ends of the benchmark need: find a whole head, look into it. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Length of the head with its empty line, 0 while it is not complete. */
size_t http1_head_length(const uint8_t *data, size_t length);
/* Value of a field, NULL when absent; names compare without case. */
const char *http1_field(const uint8_t *head, size_t length, const char *name, size_t *value_length);
bool http1_field_is(const uint8_t *head, size_t length, const char *name, const char *value);
int http1_status(const uint8_t *head, size_t length);

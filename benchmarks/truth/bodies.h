/* What the truth server answers: the shapes and sizes that OpenAI's API has. */
#pragma once
#include <stdio.h>

static const char LIMITS[] =
    "x-ratelimit-limit-requests: 10000\r\n"
    "x-ratelimit-limit-tokens: 200000\r\n"
    "x-ratelimit-remaining-requests: 9999\r\n"
    "x-ratelimit-remaining-tokens: 199990\r\n"
    "x-ratelimit-reset-requests: 8.64s\r\n"
    "x-ratelimit-reset-tokens: 3ms\r\n"
    "openai-processing-ms: 200\r\n"
    "openai-version: 2020-10-01\r\n";

static const char CHAT_BODY[] =
    "{\"id\":\"chatcmpl-Bq0abcdefghijklmnopqrstuv\",\"object\":\"chat.completion\","
    "\"created\":1730000000,\"model\":\"gpt-4o-mini-2024-07-18\",\"choices\":[{\"index\":0,"
    "\"message\":{\"role\":\"assistant\",\"content\":\"pong\",\"refusal\":null,"
    "\"annotations\":[]},\"logprobs\":null,\"finish_reason\":\"stop\"}],"
    "\"usage\":{\"prompt_tokens\":8,\"completion_tokens\":1,\"total_tokens\":9,"
    "\"prompt_tokens_details\":{\"cached_tokens\":0,\"audio_tokens\":0},"
    "\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":0,"
    "\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}},"
    "\"service_tier\":\"default\",\"system_fingerprint\":\"fp_0123456789\"}";

static const char CHUNK_HEAD[] =
    "{\"id\":\"chatcmpl-Bq0abcdefghijklmnopqrstuv\",\"object\":\"chat.completion.chunk\","
    "\"created\":1730000000,\"model\":\"gpt-4o-mini-2024-07-18\",\"service_tier\":\"default\",";

static char embedding_floats[65536], embedding_base64[16384];
static int embedding_floats_bytes, embedding_base64_bytes;

static void prepare_bodies(void) {
  static const char end[] = "}],\"model\":\"text-embedding-3-small\","
                            "\"usage\":{\"prompt_tokens\":2,\"total_tokens\":2}}";
  static const char begin[] = "{\"object\":\"list\",\"data\":[{\"object\":\"embedding\",\"index\":0,";
  char *out = embedding_floats;
  out += sprintf(out, "%s\"embedding\":[", begin);
  for (int i = 0; i < 1536; i++)
    out += sprintf(out, "%s%.8f", i ? "," : "", (i % 97 - 48) / 1000.0 + 1e-6);
  out += sprintf(out, "]%s", end);
  embedding_floats_bytes = out - embedding_floats;
  out = embedding_base64;
  out += sprintf(out, "%s\"embedding\":\"", begin);
  for (int i = 0; i < 8192; i++) *out++ = "ABCDEFGHIJKLMNOP"[i % 16];
  out += sprintf(out, "\"%s", end);
  embedding_base64_bytes = out - embedding_base64;
}

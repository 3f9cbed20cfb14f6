/* libnvidia-ml.so.1 without a card: what the functions answer is told by environment variables.
 *
 *   STUB_CARDS      number of cards, 1
 *   STUB_NAME       name of every card
 *   STUB_WATTS      "base,swing,period_s": power is base + swing * sin(2 pi t / period_s), t since nvmlInit
 *   STUB_NO_ENERGY  the energy counter is not supported
 *   STUB_NO_POWER   nor is power
 *   STUB_REASONS    clocks event reasons, a mask
 *   STUB_MIG        MIG mode is on
 *   STUB_PIDS       ids of computing processes, parted by commas
 *   STUB_BUSY       utilisation in percent
 *   STUB_ABSENT     nvmlInit says that there is no driver
 *   STUB_LOST       every question about a card is answered with "GPU is lost"
 *
 * The energy counter is the exact integral of the power, so that an integration of samples can be held against it.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SUCCESS = 0, INVALID = 2, NOT_SUPPORTED = 3, INSUFFICIENT = 7, NOT_LOADED = 9, LOST = 15 };
typedef struct { unsigned int gpu, memory; } utilization_t;
typedef struct { unsigned long long total, free, used; } memory_t;
typedef struct { unsigned int pid; unsigned long long used; unsigned int instance, compute; } process_t;

static double born;
static double base = 300, swing = 0, period = 1;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}
static const char *told(const char *name, const char *otherwise) {
    const char *value = getenv(name);
    return value && *value ? value : otherwise;
}
static int given(const char *name) { return getenv(name) != NULL; }
#define LIVING() do { if (given("STUB_LOST")) return LOST; } while (0)

static int init(void) {
    if (given("STUB_ABSENT")) return NOT_LOADED;
    sscanf(told("STUB_WATTS", "300,0,1"), "%lf,%lf,%lf", &base, &swing, &period);
    if (born == 0) born = now();
    return SUCCESS;
}
int nvmlInit_v2(void) { return init(); }
int nvmlInitWithFlags(unsigned int flags) { (void)flags; return init(); }
int nvmlShutdown(void) { return SUCCESS; }
const char *nvmlErrorString(int code) { return code == NOT_LOADED ? "Driver Not Loaded" : "Error"; }
int nvmlSystemGetDriverVersion(char *text, unsigned int length) { snprintf(text, length, "599.12"); return SUCCESS; }
int nvmlSystemGetCudaDriverVersion(int *version) { *version = 13020; return SUCCESS; }
int nvmlSystemGetCudaDriverVersion_v2(int *version) { *version = 13020; return SUCCESS; }
int nvmlDeviceGetCount_v2(unsigned int *count) { *count = atoi(told("STUB_CARDS", "1")); return SUCCESS; }
int nvmlDeviceGetHandleByIndex_v2(unsigned int index, void **handle) {
    if (index >= (unsigned int)atoi(told("STUB_CARDS", "1"))) return INVALID;
    *handle = (void *)(unsigned long)(index + 1);
    return SUCCESS;
}
int nvmlDeviceGetName(void *handle, char *text, unsigned int length) {
    LIVING();
    (void)handle;
    snprintf(text, length, "%s", told("STUB_NAME", "NVIDIA H100 80GB HBM3"));
    return SUCCESS;
}
int nvmlDeviceGetUUID(void *handle, char *text, unsigned int length) {
    LIVING();
    snprintf(text, length, "GPU-00000000-0000-0000-0000-%012lu", (unsigned long)handle);
    return SUCCESS;
}
int nvmlDeviceGetMemoryInfo(void *handle, memory_t *memory) {
    LIVING();
    (void)handle;
    memory->total = 80ULL << 30;
    memory->used = 20ULL << 30;
    memory->free = memory->total - memory->used;
    return SUCCESS;
}
int nvmlDeviceGetEnforcedPowerLimit(void *handle, unsigned int *mw) { LIVING(); (void)handle; *mw = 700000; return SUCCESS; }
int nvmlDeviceGetMigMode(void *handle, unsigned int *current, unsigned int *pending) {
    LIVING();
    (void)handle;
    *current = *pending = given("STUB_MIG");
    return SUCCESS;
}
int nvmlDeviceGetPowerUsage(void *handle, unsigned int *mw) {
    LIVING();
    (void)handle;
    if (given("STUB_NO_POWER")) return NOT_SUPPORTED;
    *mw = (unsigned int)(1000 * (base + swing * sin(2 * M_PI * (now() - born) / period)));
    return SUCCESS;
}
int nvmlDeviceGetTotalEnergyConsumption(void *handle, unsigned long long *mj) {
    LIVING();
    (void)handle;
    if (given("STUB_NO_ENERGY")) return NOT_SUPPORTED;
    double t = now() - born, turn = 2 * M_PI / period;
    *mj = (unsigned long long)(1000 * (base * t + swing * (1 - cos(turn * t)) / turn));
    return SUCCESS;
}
int nvmlDeviceGetUtilizationRates(void *handle, utilization_t *rates) {
    LIVING();
    (void)handle;
    rates->gpu = atoi(told("STUB_BUSY", "0"));
    rates->memory = 0;
    return SUCCESS;
}
int nvmlDeviceGetClockInfo(void *handle, unsigned int type, unsigned int *mhz) {
    LIVING();
    (void)handle;
    *mhz = type == 2 ? 2619 : 1980;
    return SUCCESS;
}
int nvmlDeviceGetTemperature(void *handle, unsigned int sensor, unsigned int *celsius) {
    LIVING();
    (void)handle;
    (void)sensor;
    *celsius = 61;
    return SUCCESS;
}
int nvmlDeviceGetCurrentClocksEventReasons(void *handle, unsigned long long *mask) {
    LIVING();
    (void)handle;
    *mask = strtoull(told("STUB_REASONS", "0"), NULL, 0);
    return SUCCESS;
}
int nvmlDeviceGetComputeRunningProcesses_v3(void *handle, unsigned int *count, process_t *list) {
    LIVING();
    (void)handle;
    unsigned int found = 0, room = *count;
    char text[256];
    snprintf(text, sizeof text, "%s", told("STUB_PIDS", ""));
    for (char *each = strtok(text, ","); each; each = strtok(NULL, ",")) {
        if (list && found < room) list[found].pid = atoi(each);
        found++;
    }
    *count = found;
    return found > room ? INSUFFICIENT : SUCCESS;
}

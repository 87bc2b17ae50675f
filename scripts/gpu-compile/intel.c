// Stands in for the kernel's driver of an Intel GPU, so that Mesa's Vulkan driver opens a device that is not there and compiles
// for it. The library is preloaded: it replaces the functions of libdrm that list devices, and those of libc that open the device
// file, map memory of it, and talk to it. The PCI id of the device is the hexadecimal number in GPU_COMPILE_PCI_ID.

#define _GNU_SOURCE
#include <i915_drm.h>
#include <xf86drm.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define NODE "/dev/dri/renderD128"
#define MEMORY (16ull << 30)

static char node[] = NODE, none[] = "";
static char *nodes[DRM_NODE_MAX] = {none, none, node};
static drmPciBusInfo bus = {.bus = 0, .dev = 2};
static drmPciDeviceInfo info = {.vendor_id = 0x8086, .subvendor_id = 0x8086, .revision_id = 1};
static drmDevice fake = {
    .nodes = nodes, .available_nodes = 1 << DRM_NODE_RENDER, .bustype = DRM_BUS_PCI, .businfo.pci = &bus, .deviceinfo.pci = &info};
/// The file that stands for the device.
static int file = -1;

static drmDevicePtr fakeDevice(void) {
  const char *id = getenv("GPU_COMPILE_PCI_ID");
  info.device_id = (uint16_t)strtoul(id ? id : "9a49", NULL, 16);
  return &fake;
}

int drmGetDevices2(uint32_t flags, drmDevicePtr devices[], int most) {
  (void)flags;
  if (devices && most > 0) devices[0] = fakeDevice();
  return 1;
}
int drmGetDevice2(int fd, uint32_t flags, drmDevicePtr *device) {
  (void)fd, (void)flags;
  *device = fakeDevice();
  return 0;
}
void drmFreeDevices(drmDevicePtr devices[], int count) { (void)devices, (void)count; }
void drmFreeDevice(drmDevicePtr *device) { (void)device; }

int open64(const char *path, int flags, ...) {
  static int (*next)(const char *, int, ...);
  if (!next) next = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open64");
  va_list rest;
  va_start(rest, flags);
  int mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, int) : 0;
  va_end(rest);
  if (strcmp(path, NODE)) return next(path, flags, mode);
  return file = memfd_create("gpu", MFD_CLOEXEC);
}

void *mmap64(void *at, size_t length, int protection, int flags, int fd, off_t offset) {
  static void *(*next)(void *, size_t, int, int, int, off_t);
  if (!next) next = (void *(*)(void *, size_t, int, int, int, off_t))dlsym(RTLD_NEXT, "mmap64");
  if (fd != file || file < 0) return next(at, length, protection, flags, fd, offset);
  return next(at, length, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static int getParameter(drm_i915_getparam_t *request) {
  switch (request->param) {
  case I915_PARAM_CHIPSET_ID:
    *request->value = fakeDevice()->deviceinfo.pci->device_id;
    return 0;
  case I915_PARAM_REVISION:
    *request->value = 1;
    return 0;
  case I915_PARAM_CS_TIMESTAMP_FREQUENCY:
    *request->value = 12000000;
    return 0;
  case I915_PARAM_SLICE_MASK:
    *request->value = 1;
    return 0;
  case I915_PARAM_SUBSLICE_MASK:
    *request->value = 0x3f;
    return 0;
  case I915_PARAM_EU_TOTAL:
    *request->value = 96;
    return 0;
  case I915_PARAM_SUBSLICE_TOTAL:
    *request->value = 6;
    return 0;
  case I915_PARAM_HAS_EXEC_TIMELINE_FENCES:
  case I915_PARAM_MMAP_GTT_VERSION:
  case I915_PARAM_MMAP_VERSION:
    *request->value = 4;
    return 0;
  default:
    *request->value = 1;
    return 0;
  }
}

/// The answer to a query, valid until the next one; *length is 0 where there is none.
static const void *answerOf(uint64_t id, int *length) {
  static union {
    struct drm_i915_query_memory_regions regions;
    struct drm_i915_query_topology_info topology;
    uint8_t bytes[256];
  } data;
  memset(&data, 0, sizeof data);
  switch (id) {
  case DRM_I915_QUERY_TOPOLOGY_INFO:
    // One slice of six dual subslices of 16 execution units: masks of slices, of subslices, and of the units of each subslice.
    data.topology.max_slices = 1;
    data.topology.max_subslices = 6;
    data.topology.max_eus_per_subslice = 16;
    data.topology.subslice_offset = 1;
    data.topology.subslice_stride = 1;
    data.topology.eu_offset = 2;
    data.topology.eu_stride = 2;
    memset(data.topology.data, 0xff, 14);
    data.topology.data[0] = 1;
    data.topology.data[1] = 0x3f;
    *length = sizeof data.topology + 14;
    break;
  case DRM_I915_QUERY_MEMORY_REGIONS:
    data.regions.num_regions = 1;
    data.regions.regions[0].region.memory_class = I915_MEMORY_CLASS_SYSTEM;
    data.regions.regions[0].probed_size = data.regions.regions[0].unallocated_size = MEMORY;
    *length = sizeof data.regions + sizeof data.regions.regions[0];
    break;
  default:
    *length = 0;
  }
  return &data;
}

/// Answers queries. A caller asks for the length of each answer first.
static int query(struct drm_i915_query *query) {
  struct drm_i915_query_item *items = (struct drm_i915_query_item *)(uintptr_t)query->items_ptr;
  for (uint32_t i = 0; i < query->num_items; i++) {
    int length;
    const void *answer = answerOf(items[i].query_id, &length);
    if (length > 0 && items[i].length >= length) memcpy((void *)(uintptr_t)items[i].data_ptr, answer, length);
    items[i].length = length > 0 ? length : -EINVAL;
  }
  return 0;
}

/// Answers for the kernel. Queries that it does not know, as an old kernel would, fail with EINVAL.
static int answer(unsigned long request, void *argument) {
  static uint32_t handle = 1;
  switch (request) {
  case DRM_IOCTL_I915_GETPARAM:
    return getParameter(argument);
  case DRM_IOCTL_I915_GEM_CREATE:
    ((struct drm_i915_gem_create *)argument)->handle = handle++;
    return 0;
  case DRM_IOCTL_I915_GEM_CREATE_EXT:
    ((struct drm_i915_gem_create_ext *)argument)->handle = handle++;
    return 0;
  case DRM_IOCTL_I915_GEM_USERPTR:
    ((struct drm_i915_gem_userptr *)argument)->handle = handle++;
    return 0;
  case DRM_IOCTL_I915_GEM_CONTEXT_CREATE:
  case DRM_IOCTL_I915_GEM_CONTEXT_CREATE_EXT:
    ((struct drm_i915_gem_context_create *)argument)->ctx_id = handle++;
    return 0;
  case DRM_IOCTL_I915_GEM_VM_CREATE:
    ((struct drm_i915_gem_vm_control *)argument)->vm_id = handle++;
    return 0;
  case DRM_IOCTL_SYNCOBJ_CREATE:
    ((struct drm_syncobj_create *)argument)->handle = handle++;
    return 0;
  case DRM_IOCTL_I915_GEM_CONTEXT_GETPARAM: {
    struct drm_i915_gem_context_param *parameter = argument;
    parameter->value = parameter->param == I915_CONTEXT_PARAM_GTT_SIZE ? 1ull << 48 : 0;
    return 0;
  }
  case DRM_IOCTL_I915_GEM_GET_APERTURE: {
    struct drm_i915_gem_get_aperture *aperture = argument;
    aperture->aper_size = aperture->aper_available_size = MEMORY;
    return 0;
  }
  case DRM_IOCTL_GET_CAP:
    ((struct drm_get_cap *)argument)->value = 1;
    return 0;
  case DRM_IOCTL_I915_QUERY:
    return query(argument);
  case DRM_IOCTL_I915_REG_READ:
  case DRM_IOCTL_I915_PERF_OPEN:
    errno = EINVAL;
    return -1;
  default:
    return 0;
  }
}

int ioctl(int fd, unsigned long request, ...) {
  static int (*next)(int, unsigned long, ...);
  if (!next) next = (int (*)(int, unsigned long, ...))dlsym(RTLD_NEXT, "ioctl");
  va_list rest;
  va_start(rest, request);
  void *argument = va_arg(rest, void *);
  va_end(rest);
  return fd == file && file >= 0 ? answer(request, argument) : next(fd, request, argument);
}

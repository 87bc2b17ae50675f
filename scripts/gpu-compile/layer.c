// A Vulkan driver in front of another one, which records what the compiler of the other makes of compute shaders. Dawn runs on it
// unchanged. It drops commands and lets waits succeed, so that the driver behind it needs no hardware.
//
//   GPU_COMPILE_DRIVER   the library of the driver behind this one
//   GPU_COMPILE_OUTPUT   the prefix of the files of the next pipeline: PREFIX.statistics (a line "name<tab>value" each),
//                        PREFIX.spv (the shader as the driver gets it), PREFIX.<name> (each representation of the driver)

#define VK_NO_PROTOTYPES
#include <vulkan/vulkan.h>
#include <vulkan/vk_icd.h>

#include <ctype.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/// A shader module that lives, with a copy of its code.
struct module {
  struct module *next;
  VkShaderModule handle;
  size_t size;
  void *code;
};

static PFN_vkGetInstanceProcAddr nextInstanceProc;
static PFN_vkGetDeviceProcAddr nextDeviceProc;
static VkInstance instance;
static VkDevice device;
static struct module *modules;
/// Dawn compiles in threads. One lock keeps the files of two pipelines apart.
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

#define INSTANCE_CALL(name) ((PFN_##name)nextInstanceProc(instance, #name))
#define DEVICE_CALL(name) ((PFN_##name)nextDeviceProc(device, #name))

static void *driver(void) {
  static void *library;
  if (!library) {
    const char *path = getenv("GPU_COMPILE_DRIVER");
    library = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
    if (library)
      nextInstanceProc = (PFN_vkGetInstanceProcAddr)dlsym(library, "vk_icdGetInstanceProcAddr");
    else
      fprintf(stderr, "gpu:compile: %s\n", path ? dlerror() : "GPU_COMPILE_DRIVER is not set");
  }
  return library;
}

static FILE *outputFile(const char *suffix) {
  const char *prefix = getenv("GPU_COMPILE_OUTPUT");
  char path[4096];
  snprintf(path, sizeof path, "%s.%s", prefix ? prefix : "pipeline", suffix);
  for (char *c = strrchr(path, '/') ? strrchr(path, '/') + 1 : path; *c; c++)
    if (!isalnum((unsigned char)*c) && *c != '-') *c = *c == '.' ? '.' : '_';
  FILE *file = fopen(path, "wb");
  if (!file) fprintf(stderr, "gpu:compile: cannot write %s\n", path);
  return file;
}

static VKAPI_ATTR VkResult VKAPI_CALL createInstance(const VkInstanceCreateInfo *info,
                                                     const VkAllocationCallbacks *allocator, VkInstance *created) {
  VkResult result = ((PFN_vkCreateInstance)nextInstanceProc(NULL, "vkCreateInstance"))(info, allocator, created);
  if (result == VK_SUCCESS) {
    instance = *created;
    nextDeviceProc = INSTANCE_CALL(vkGetDeviceProcAddr);
  }
  return result;
}

static VKAPI_ATTR VkResult VKAPI_CALL createDevice(VkPhysicalDevice physical, const VkDeviceCreateInfo *info,
                                                   const VkAllocationCallbacks *allocator, VkDevice *created) {
  const char *extensions[512];
  uint32_t count = 0;
  for (; count < info->enabledExtensionCount && count < 511; count++)
    extensions[count] = info->ppEnabledExtensionNames[count];
  extensions[count++] = VK_KHR_PIPELINE_EXECUTABLE_PROPERTIES_EXTENSION_NAME;
  VkPhysicalDevicePipelineExecutablePropertiesFeaturesKHR feature = {
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PIPELINE_EXECUTABLE_PROPERTIES_FEATURES_KHR, (void *)info->pNext, VK_TRUE};
  VkDeviceCreateInfo extended = *info;
  extended.pNext = &feature;
  extended.enabledExtensionCount = count;
  extended.ppEnabledExtensionNames = extensions;
  VkResult result = INSTANCE_CALL(vkCreateDevice)(physical, &extended, allocator, created);
  if (result == VK_SUCCESS) device = *created;
  return result;
}

static VKAPI_ATTR VkResult VKAPI_CALL createShaderModule(VkDevice on, const VkShaderModuleCreateInfo *info,
                                                         const VkAllocationCallbacks *allocator,
                                                         VkShaderModule *created) {
  VkResult result = DEVICE_CALL(vkCreateShaderModule)(on, info, allocator, created);
  if (result != VK_SUCCESS) return result;
  struct module *module = malloc(sizeof *module);
  module->handle = *created;
  module->size = info->codeSize;
  module->code = memcpy(malloc(info->codeSize), info->pCode, info->codeSize);
  pthread_mutex_lock(&lock);
  module->next = modules;
  modules = module;
  pthread_mutex_unlock(&lock);
  return result;
}

static void writeModule(VkShaderModule handle) {
  // Handles are used again. The newest module with a handle comes first.
  struct module *module = modules;
  while (module && module->handle != handle) module = module->next;
  FILE *file = module ? outputFile("spv") : NULL;
  if (!file) return;
  fwrite(module->code, 1, module->size, file);
  fclose(file);
}

static void writeStatistics(FILE *file, const VkPipelineExecutableInfoKHR *executable) {
  uint32_t count = 0;
  DEVICE_CALL(vkGetPipelineExecutableStatisticsKHR)(device, executable, &count, NULL);
  VkPipelineExecutableStatisticKHR *all = calloc(count, sizeof *all);
  for (uint32_t i = 0; i < count; i++) all[i].sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_STATISTIC_KHR;
  DEVICE_CALL(vkGetPipelineExecutableStatisticsKHR)(device, executable, &count, all);
  for (uint32_t i = 0; i < count; i++) {
    if (all[i].format == VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_FLOAT64_KHR)
      fprintf(file, "%s\t%g\n", all[i].name, all[i].value.f64);
    else if (all[i].format == VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_BOOL32_KHR)
      fprintf(file, "%s\t%u\n", all[i].name, all[i].value.b32);
    else
      fprintf(file, "%s\t%llu\n", all[i].name, (unsigned long long)all[i].value.u64);
  }
  free(all);
}

static void writeRepresentations(const VkPipelineExecutableInfoKHR *executable) {
  uint32_t count = 0;
  DEVICE_CALL(vkGetPipelineExecutableInternalRepresentationsKHR)(device, executable, &count, NULL);
  VkPipelineExecutableInternalRepresentationKHR *all = calloc(count, sizeof *all);
  for (uint32_t i = 0; i < count; i++)
    all[i].sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INTERNAL_REPRESENTATION_KHR;
  // The first call yields the sizes, the second the texts.
  DEVICE_CALL(vkGetPipelineExecutableInternalRepresentationsKHR)(device, executable, &count, all);
  for (uint32_t i = 0; i < count; i++) all[i].pData = malloc(all[i].dataSize + 1);
  DEVICE_CALL(vkGetPipelineExecutableInternalRepresentationsKHR)(device, executable, &count, all);
  for (uint32_t i = 0; i < count; i++) {
    FILE *file = outputFile(all[i].name);
    if (file) {
      fwrite(all[i].pData, 1, all[i].isText ? strnlen(all[i].pData, all[i].dataSize) : all[i].dataSize, file);
      fclose(file);
    }
    free(all[i].pData);
  }
  free(all);
}

static void writePipeline(VkPipeline pipeline, VkShaderModule module) {
  VkPipelineInfoKHR info = {VK_STRUCTURE_TYPE_PIPELINE_INFO_KHR, NULL, pipeline};
  VkPipelineExecutablePropertiesKHR properties[16];
  uint32_t count = 16;
  for (uint32_t i = 0; i < count; i++)
    properties[i] = (VkPipelineExecutablePropertiesKHR){VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_PROPERTIES_KHR};
  DEVICE_CALL(vkGetPipelineExecutablePropertiesKHR)(device, &info, &count, properties);
  FILE *file = outputFile("statistics");
  if (!file) return;
  // ANV compiles a shader for several widths. The last one is the widest, and the one that is dispatched.
  for (uint32_t i = 0; i < count; i++) {
    VkPipelineExecutableInfoKHR executable = {VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INFO_KHR, NULL, pipeline, i};
    fprintf(file, "executable\t%s\nlanes\t%u\n", properties[i].name, properties[i].subgroupSize);
    writeStatistics(file, &executable);
    writeRepresentations(&executable);
  }
  fclose(file);
  writeModule(module);
}

static VKAPI_ATTR VkResult VKAPI_CALL createComputePipelines(VkDevice on, VkPipelineCache cache, uint32_t count,
                                                             const VkComputePipelineCreateInfo *infos,
                                                             const VkAllocationCallbacks *allocator,
                                                             VkPipeline *created) {
  (void)cache; // A driver's cache has no statistics.
  VkResult worst = VK_SUCCESS;
  for (uint32_t i = 0; i < count; i++) {
    VkComputePipelineCreateInfo info = infos[i];
    info.flags |= VK_PIPELINE_CREATE_CAPTURE_STATISTICS_BIT_KHR |
                  VK_PIPELINE_CREATE_CAPTURE_INTERNAL_REPRESENTATIONS_BIT_KHR;
    VkResult result = DEVICE_CALL(vkCreateComputePipelines)(on, VK_NULL_HANDLE, 1, &info, allocator, &created[i]);
    if (result != VK_SUCCESS) {
      worst = result;
      continue;
    }
    pthread_mutex_lock(&lock);
    writePipeline(created[i], info.stage.module);
    pthread_mutex_unlock(&lock);
  }
  return worst;
}

static VKAPI_ATTR VkResult VKAPI_CALL succeed(void) { return VK_SUCCESS; }

/// What stands in for a function of the driver; NULL where nothing does.
static PFN_vkVoidFunction replacement(const char *name) {
  static const struct {
    const char *name;
    PFN_vkVoidFunction function;
  } replaced[] = {
      {"vkCreateInstance", (PFN_vkVoidFunction)createInstance},
      {"vkCreateDevice", (PFN_vkVoidFunction)createDevice},
      {"vkCreateShaderModule", (PFN_vkVoidFunction)createShaderModule},
      {"vkCreateComputePipelines", (PFN_vkVoidFunction)createComputePipelines},
  };
  static const char *const dropped[] = {
      "vkBeginCommandBuffer", "vkEndCommandBuffer", "vkResetCommandBuffer", "vkResetCommandPool",
      "vkDestroyCommandPool", "vkQueueSubmit",      "vkQueueSubmit2",       "vkQueueSubmit2KHR",
      "vkQueueWaitIdle",      "vkDeviceWaitIdle",   "vkGetFenceStatus",     "vkWaitForFences",
      "vkResetFences",        "vkDestroyDevice",    "vkDestroyInstance",
  };
  for (size_t i = 0; i < sizeof replaced / sizeof *replaced; i++)
    if (!strcmp(name, replaced[i].name)) return replaced[i].function;
  for (size_t i = 0; i < sizeof dropped / sizeof *dropped; i++)
    if (!strcmp(name, dropped[i])) return (PFN_vkVoidFunction)succeed;
  return strncmp(name, "vkCmd", 5) ? NULL : (PFN_vkVoidFunction)succeed;
}

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL deviceProc(VkDevice of, const char *name) {
  PFN_vkVoidFunction next = nextDeviceProc(of, name), own = replacement(name);
  return next && own ? own : next;
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL vk_icdGetInstanceProcAddr(VkInstance of, const char *name) {
  if (!driver()) return NULL;
  if (!strcmp(name, "vkGetDeviceProcAddr")) return (PFN_vkVoidFunction)deviceProc;
  PFN_vkVoidFunction next = nextInstanceProc(of, name), own = replacement(name);
  return next && own ? own : next;
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL vk_icdGetPhysicalDeviceProcAddr(VkInstance of, const char *name) {
  PFN_GetPhysicalDeviceProcAddr next =
      driver() ? (PFN_GetPhysicalDeviceProcAddr)dlsym(driver(), "vk_icdGetPhysicalDeviceProcAddr") : NULL;
  return next ? next(of, name) : NULL;
}

VKAPI_ATTR VkResult VKAPI_CALL vk_icdNegotiateLoaderICDInterfaceVersion(uint32_t *version) {
  PFN_vkNegotiateLoaderICDInterfaceVersion next =
      driver() ? (PFN_vkNegotiateLoaderICDInterfaceVersion)dlsym(driver(), "vk_icdNegotiateLoaderICDInterfaceVersion")
               : NULL;
  return next ? next(version) : VK_ERROR_INCOMPATIBLE_DRIVER;
}

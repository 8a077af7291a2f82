// The runtime interface of Kubernetes as containerd serves it (kubernetes: cri-api
// pkg/apis/runtime/v1/api.proto; v1alpha2 has the same numbers). Of each request: what of it may be
// recorded, of equal length, and what it asks for. Messages may be masked, or cut.
#pragma once

#include <string>
#include <string_view>

#include "domain/api_fact.h"

namespace kilnwatch::engine::containerd {

// RunPodSandbox.
std::string masked_run_pod(std::string_view message);
domain::PodStarted read_run_pod(std::string_view message);

// CreateContainer.
std::string masked_create(std::string_view message);
domain::ContainerCreated read_create(std::string_view message);

// PullImage: nothing of its auth.
std::string masked_pull(std::string_view message);
domain::ImageMoved read_pull(std::string_view message);

// The id that a request or an answer holds, and nothing else: StartContainer, and what
// RunPodSandbox, CreateContainer and PullImage answer.
std::string masked_id(std::string_view message);
std::string read_id(std::string_view message);

// Of a call whose path is not known: whether it can be nothing else. The kubelet names the pod that
// it pulls an image for.
bool is_run_pod(std::string_view message);
bool is_create(std::string_view message);
bool is_pull(std::string_view message);

}  // namespace kilnwatch::engine::containerd

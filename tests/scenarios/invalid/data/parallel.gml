graph [
  multigraph 1
  node [ id 0 label "leaf-1" ]
  node [ id 1 label "leaf-2" ]
  edge [ source 0 target 1 key 0 latency "1ms" ]
  edge [ source 0 target 1 key 1 latency "2ms" ]
]

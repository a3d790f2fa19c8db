graph [
  directed 1
  node [ id 0 label "oslo" ]
  node [ id 1 label "turin" ]
  node [ id 2 label "rome" ]
  edge [ source 0 target 1 latency "1ms" ]
  edge [ source 1 target 2 latency "2ms" ]
  edge [ source 2 target 0 latency "3ms" ]
]

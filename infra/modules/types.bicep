@export()
@description('Who gets a role.')
type Principal = {
  @description('Object id. Empty: nobody.')
  id: string
  type: string
}
